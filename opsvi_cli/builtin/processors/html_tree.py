"""A tree of HTML as Markdown: headings, lists, tables, links, code, quotes, with what is hidden left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from .tables import markdown_table

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head", "title", "iframe", "object", "canvas"})
_ASIDE = frozenset({"nav", "header", "footer", "aside"})
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "aside", "nav", "figure", "figcaption", "address"}
) | {"dl", "dt", "dd", "form", "fieldset", "details", "summary", "center", "hr", "body", "html", "option", "button"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])"
    r"|mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_MARKER = re.compile(r"(#{1,6}\s|>|[-+*]\s|```|~~~|=+\s*$|-+\s*$)")
MAX_CELL = 300
"""A longer cell is no cell of data: the table is there for the layout, and read as blocks."""


def letters(text: str) -> int:
    """Characters that are not blank."""
    return sum(map(len, text.split()))


def prune(tree: HtmlElement) -> tuple[int, int]:
    """Take out what no reader of the page would see. Returns how deep its elements are nested, and their number."""
    from lxml import etree

    depth = deepest = count = 0
    doomed: list[HtmlElement] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        deepest = max(deepest, depth)
        if not isinstance(element.tag, str):
            continue
        style = element.get("style")
        if "hidden" in element.attrib or (style and _HIDDEN.search(style)):
            doomed.append(element)
    for element in doomed:
        if element.getparent() is not None and element.tag not in ("html", "body"):
            element.drop_tree()
    return deepest, count


def visible_letters(tree: HtmlElement) -> int:
    """How many characters of text, blanks aside, the page shows."""
    count = 0
    for element in tree.iter():
        if element.tail and (parent := element.getparent()) is not None and parent.tag not in _SILENT:
            count += letters(element.tail)
        if isinstance(element.tag, str) and element.tag not in _SILENT and element.text:
            count += letters(element.text)
    return count


def to_markdown(tree: HtmlElement, uri: str, *, main_only: bool = False) -> str:
    """The text of the page; with `main_only` of its `main` or `article` and without menus, headers and footers."""
    root = tree.getroottree().getroot()
    body = root.find("body") if root.tag == "html" else root
    start = body if body is not None else root
    if main_only:
        mains = [*start.iterfind(".//main"), *start.iterfind(".//*[@role='main']")]
        articles = start.findall(".//article")
        start = mains[0] if mains else articles[0] if len(articles) == 1 else start
    writer = _Writer(uri if uri.startswith(("http://", "https://")) else "", _SILENT | (_ASIDE if main_only else set()))
    return writer.render(start)


class _Writer:
    """Walks the tree once. Depth is bounded by the parser's own limit."""

    def __init__(self, base: str, silent: frozenset[str]) -> None:
        self._base = base
        self._silent = silent
        self._blocks: list[str] = []
        self._line: list[str] = []

    def render(self, element: HtmlElement) -> str:
        self._children(element)
        self._flush()
        return "\n\n".join(self._blocks)

    def _sub(self, element: HtmlElement) -> str:
        """The Markdown of one element's inside, by itself."""
        return _Writer(self._base, self._silent).render(element)

    def _flush(self, prefix: str = "") -> None:
        lines = (" ".join(line.split()) for line in "".join(self._line).split("\n"))
        text = "\n".join("\\" + line if _MARKER.match(line) else line for line in lines if line)
        self._line.clear()
        if text:
            self._blocks.append(prefix + (text.replace("\n", " ") if prefix else text))

    def _children(self, element: HtmlElement) -> None:
        if element.text:
            self._text(element.text)
        for child in element:
            if isinstance(child.tag, str) and child.tag not in self._silent:
                self._element(child)
            if child.tail:
                self._text(child.tail)

    def _text(self, text: str) -> None:
        self._line.append(re.sub(r"\s+", " ", text))

    def _element(self, element: HtmlElement) -> None:
        tag = str(element.tag)
        if tag == "br":
            self._line.append("\n")
        elif tag == "a":
            self._link(element)
        elif tag in ("code", "kbd", "samp") and element.text_content().strip():
            self._line.append(f"`{' '.join(element.text_content().split())}`")
        elif tag in _HEADINGS:
            self._flush()
            self._children(element)
            self._flush("#" * int(tag[1]) + " ")
        elif tag in ("ul", "ol", "menu", "dir"):
            self._block(self._list(element))
        elif tag == "table":
            self._table(element)
        elif tag == "pre":
            self._block(fenced(element.text_content()))
        elif tag == "blockquote":
            self._block("\n".join(f"> {line}".rstrip() for line in self._sub(element).split("\n")))
        elif tag in _BLOCKS or tag in ("li", "tr", "td", "th", "caption", "tbody", "thead", "tfoot"):
            self._flush()
            self._children(element)
            self._flush()
        else:
            self._children(element)

    def _block(self, text: str) -> None:
        self._flush()
        if text.strip("> \n"):
            self._blocks.append(text)

    def _link(self, element: HtmlElement) -> None:
        href = (element.get("href") or "").strip()
        if any(child.tag in _BLOCKS or child.tag in _HEADINGS or child.tag == "table" for child in element.iter()):
            self._children(element)
            return
        text = " ".join(element.text_content().split())
        try:
            address = urljoin(self._base, href)
        except ValueError:
            address = ""
        if text and address.startswith(("http://", "https://", "mailto:")) and len(address) < 2000:
            self._line.append(f"[{text}]({address.replace(' ', '%20').replace(')', '%29')})")
        elif text:
            self._line.append(text)

    def _list(self, element: HtmlElement) -> str:
        items: list[str] = []
        for number, child in enumerate((c for c in element if isinstance(c.tag, str)), 1):
            text = self._sub(child).replace("\n\n", "\n")
            if text:
                marker = f"{number}. " if element.tag == "ol" else "- "
                nested = child.tag in ("ul", "ol")  # a list right inside a list, which browsers take as nested
                lines = (" " * 3 + text if nested else marker + text).split("\n")
                items.append("\n".join([lines[0], *(f"   {line}" if line else "" for line in lines[1:])]))
        return "\n".join(items)

    def _table(self, element: HtmlElement) -> None:
        rows = [row for row in (list(self._cells(row)) for row in _rows(element)) if any(row)]
        plain = element.find(".//table") is None and max((len(row) for row in rows), default=0) > 1
        if plain and max(len(cell) for row in rows for cell in row) <= MAX_CELL:
            self._block(markdown_table(rows))
            return
        self._flush()
        self._children(element)
        self._flush()

    def _cells(self, row: HtmlElement) -> Iterator[str]:
        for cell in row:
            if cell.tag in ("td", "th"):
                yield self._sub(cell).replace("\n", " ")
                span = cell.get("colspan") or "1"
                yield from [""] * (min(int(span), 50) - 1 if span.isdecimal() else 0)


def _rows(table: HtmlElement) -> Iterator[HtmlElement]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("tbody", "thead", "tfoot"):
            yield from child.iterfind("tr")


def fenced(code: str) -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    code = code.strip("\n").rstrip()
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    return f"{'`' * (longest + 1)}\n{code}\n{'`' * (longest + 1)}" if code else ""
