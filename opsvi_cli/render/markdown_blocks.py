"""Markdown text to lines for a terminal, by rich; imported only when an answer is rendered.

The text is untrusted: it came through `foundation.terminal.plain`, is never read as rich's markup, and its HTML, images
and link targets are shown as text, so that nothing of it is lost or hidden.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from rich import markdown as rich_markdown
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.syntax import Syntax
from rich.text import Text
from rich.theme import Theme

from opsvi_cli.context import AppContext

from .live_lines import visible
from .markdown_tables import WholeTable, keep_all_cells

if TYPE_CHECKING:
    from markdown_it.token import Token

_THEME = Theme({"markdown.code": "cyan", "markdown.h1": "bold underline", "markdown.h2": "bold"})
_CODE_THEME = "ansi_dark"
_INDENTS = {"list_item_open": 3, "list_item_close": 3, "blockquote_open": 4, "blockquote_close": 4}
_LEAST = 4
"""Cells that are left for words at the least; text that is nested deeper is shown as it is."""
_NOT_SHOWN = ("html_block", "html_inline", "image", "reference")
"""Rules of CommonMark that would take text away from the reader."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the top level: its kind (`fence`, `bullet_list_open`, ...), its lines, and where its items begin."""

    kind: str
    start: int
    end: int
    items: tuple[int, ...] = ()


@cache
def _structure() -> MarkdownIt:
    """Finds blocks only; the words in them are not looked at."""
    return MarkdownIt("commonmark").enable("table").disable(["html_block", "reference", "inline"])


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable(list(_NOT_SHOWN))
    parser.core.ruler.after("block", "all_cells", keep_all_cells)
    return parser


def blocks(text: str) -> list[Block]:
    """The blocks of the top level, in order."""
    found: list[Block] = []
    items: list[int] = []
    for token in _structure().parse(text):
        if token.level == 1 and token.type == "list_item_open" and token.map:
            items.append(token.map[0])
        if token.level == 0 and token.map and token.nesting >= 0:
            found.append(Block(token.type, token.map[0], token.map[1]))
            items = []
        if token.level == 0 and token.nesting < 0 and items:
            found[-1] = Block(found[-1].kind, found[-1].start, found[-1].end, tuple(items))
    return found


class _Heading(rich_markdown.Heading):
    """Level 1 on the left, like the others: an answer is no book."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _CodeBlock(rich_markdown.CodeBlock):
    """Code in the colours of the terminal, so that it can be read on dark and light ones."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        yield Syntax(code, self.lexer_name, theme=_CODE_THEME, background_color="default", word_wrap=True)


class _Markdown(rich_markdown.Markdown):
    elements: ClassVar[dict[str, type[rich_markdown.MarkdownElement]]] = {
        **rich_markdown.Markdown.elements,
        "heading_open": _Heading,
        "fence": _CodeBlock,
        "code_block": _CodeBlock,
        "table_open": WholeTable,
    }

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = _parser().parse(text)
        self.indent = 0
        """How far the deepest list or quote stands from the margin."""
        indent = 0
        for token in self.parsed:
            indent += _INDENTS.get(token.type, 0) * token.nesting
            self.indent = max(self.indent, indent)
            if token.children:
                token.children = list(_readable(token.children))


def _readable(tokens: Iterable[Token]) -> Iterable[Token]:
    """Line ends stay line ends, and a link that is its own text is not said twice."""
    kept = list(tokens)
    plain_links = {
        number
        for number, token in enumerate(kept)
        if token.type == "link_open"
        and number + 2 < len(kept)
        and kept[number + 2].type == "link_close"
        and kept[number + 1].content in (token.attrs.get("href"), str(token.attrs.get("href")).removeprefix("mailto:"))
    }
    for number, token in enumerate(kept):
        if number in plain_links or number - 2 in plain_links:
            continue
        if token.type == "softbreak":
            token.type = "hardbreak"
        yield token


class Renderer:
    """Blocks to lines with escape sequences of our own, for a width."""

    def __init__(self, app: AppContext, width: int) -> None:
        self.width = width
        self._console = Console(
            file=io.StringIO(),
            width=width,
            force_terminal=True,
            no_color=not app.use_color,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            theme=_THEME,
            _environ=dict(app.env),
        )

    def markdown(self, text: str) -> list[str]:
        """Any number of blocks, without blank lines around them."""
        try:
            read = _Markdown(text)
            if read.indent + _LEAST > self.width:
                return self.plain(text)
            with self._console.capture() as captured:
                self._console.print(read)
            lines = [line.rstrip() for line in captured.get().split("\n")]
        except Exception:  # noqa: BLE001  # a text that the library stumbles over is shown as it is
            lines = self.plain(text)
        while lines and not visible(lines[0]).strip():
            del lines[0]
        while lines and not visible(lines[-1]).strip():
            del lines[-1]
        return lines

    def plain(self, text: str) -> list[str]:
        """Text as it is, wrapped."""
        with self._console.capture() as captured:
            self._console.print(Text(text))
        return captured.get().rstrip("\n").split("\n")

    def dim(self, text: str) -> str:
        """A line of our own frame around code."""
        return self._unwrapped(Text(text, style="dim"))

    def code(self, text: str, language: str, skip: int) -> list[str]:
        """Lines of code after the first `skip`, coloured and not wrapped, so that they can be copied."""
        try:
            syntax = Syntax("", language or "text", theme=_CODE_THEME, background_color="default")
            shown = syntax.highlight(text).split("\n", allow_blank=True)
        except Exception:  # noqa: BLE001  # as above
            shown = Text(text).split("\n", allow_blank=True)
        return [self._unwrapped(line) for line in shown[skip : text.count("\n") + 1]]

    def _unwrapped(self, text: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(text, soft_wrap=True, end="")
        return captured.get().rstrip("\n")
