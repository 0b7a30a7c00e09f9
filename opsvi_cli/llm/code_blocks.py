"""The fenced code blocks of an answer in Markdown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """`language` is the first word after the fence, e.g. `python`; empty when there is none."""

    language: str
    text: str


def code_blocks(markdown: str) -> list[CodeBlock]:
    """Every fenced block with code in it, in order, also in lists and quotes; as CommonMark reads them."""
    from markdown_it import MarkdownIt

    # Rules that make no blocks cost time only.
    parser = MarkdownIt("commonmark").disable(["inline", "html_block"], ignoreInvalid=True)
    found = []
    for token in parser.parse(markdown):
        if token.type == "fence" and token.content.strip():
            language = token.info.split()
            found.append(CodeBlock(language[0] if language else "", token.content))
    return found
