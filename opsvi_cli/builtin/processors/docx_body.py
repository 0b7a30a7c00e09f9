"""The walk over WordprocessingML: paragraphs, runs, lists, tables, text boxes, equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .docx_package import Package, attribute, local
from .docx_styles import Numbering, Styles, child, switched_on, value
from .tables import markdown_table

if TYPE_CHECKING:
    from lxml.etree import _Element

SKIPPED = frozenset(
    {"del", "moveFrom", "Fallback", "instrText", "delText", "delInstrText", "pPr", "rPr", "sectPr", "tblPr", "tblGrid"}
) | {"sdtPr", "sdtEndPr", "trPr", "tcPr", "binData", "fldData"}
_SYMBOLS = {"F0FE": "☒", "F0A8": "☐", "F06F": "☐", "F0FC": "✓", "F0FD": "☒", "F0B7": "•", "F0E0": "→", "F052": "☑"}
INDENT = "   "


class Block(NamedTuple):
    """`kind`: heading, item, text or table. `level`: of a heading, from 1."""

    kind: str
    text: str
    level: int = 0


class Body:
    """Reads one part. Depth is bounded by the XML parser's limit of 256."""

    def __init__(self, package: Package, part: str, styles: Styles, numbering: Numbering) -> None:
        self.styles = styles
        self.numbering = numbering
        self._links = {
            identity: target
            for identity, (kind, target) in package.relations(part).items()
            if kind == "hyperlink" and target.startswith(("http://", "https://", "mailto:"))
        }
        self._boxes: list[_Element] = []

    def blocks(self, parent: _Element) -> Iterator[Block]:
        """The blocks below an element, text boxes after the paragraph that holds them."""
        for element in parent:
            kind = local(element)
            if kind in SKIPPED:
                continue
            if kind == "p":
                yield from self._paragraph(element)
            elif kind == "tbl":
                yield from self._table(element)
            elif kind:
                yield from self.blocks(element)

    def _paragraph(self, element: _Element) -> Iterator[Block]:
        properties = child(element, "pPr")
        text = self._inline(element).strip()
        boxes, self._boxes = self._boxes, []
        if text:
            level = self.styles.level(properties)
            listed = self.styles.numbering(properties)
            label = self.numbering.label(*listed) if listed else ""
            if level:
                named = f"{label} {text}" if label not in ("", "-") else text
                yield Block("heading", f"{'#' * level} {' '.join(named.split())}", level)
            elif listed and label:
                indent = INDENT * min(listed[1], 8)
                yield Block("item", f"{indent}{label} " + text.replace("\n", f"\n{indent}  "))
            else:
                yield Block("text", text)
        for box in boxes:
            yield from self.blocks(box)

    def _inline(self, parent: _Element) -> str:
        return "".join(self._pieces(parent))

    def _pieces(self, parent: _Element) -> Iterator[str]:
        for element in parent:
            kind = local(element)
            if kind in SKIPPED:
                continue
            if kind == "t":
                yield element.text or ""
            elif kind == "r":
                if not switched_on(child(element, "rPr"), "vanish"):
                    yield from self._pieces(element)
            elif kind == "hyperlink":
                yield self._link(element)
            elif kind == "txbxContent":
                self._boxes.append(element)
            elif kind in ("oMath", "oMathPara"):
                yield f" {' '.join(self._inline(element).split())} "
            else:
                yield self._sign(element, kind)
                yield from self._pieces(element)

    def _sign(self, element: _Element, kind: str) -> str:
        """The text that an empty element stands for."""
        match kind:
            case "tab" | "ptab":
                return "\t"
            case "br" | "cr":
                return "\n" if attribute(element, "type") in ("", "textWrapping") else "\n\n"
            case "noBreakHyphen":
                return "-"
            case "sym":
                return _SYMBOLS.get(attribute(element, "char").upper(), "")
            case "footnoteReference":
                return f"[^{attribute(element, 'id')}]"
            case "endnoteReference":
                return f"[^e{attribute(element, 'id')}]"
            case "checkBox" if local(element.getparent()) == "ffData":  # type: ignore[arg-type]
                checked = child(element, "checked")
                state = attribute(checked, "val") or "1" if checked is not None else value(element, "default")
                return "☒" if state in ("1", "true", "on") else "☐"
        return ""

    def _link(self, element: _Element) -> str:
        text = self._inline(element)
        target = self._links.get(attribute(element, "id"), "")
        if not target or not text.strip() or len(target) > 2000:
            return text
        return f"[{' '.join(text.split())}]({target.replace(' ', '%20').replace(')', '%29')})"

    def _table(self, element: _Element) -> Iterator[Block]:
        rows = [self._row(row) for row in _descend(element, "tr")]
        rows = [row for row in rows if any(cells for cells in row)]
        if max((len(row) for row in rows), default=0) == 1:  # one column: a frame around text, not a table
            for row in rows:
                yield from row[0]
        elif rows:
            yield Block("table", markdown_table([[_cell(blocks) for blocks in row] for row in rows]))

    def _row(self, row: _Element) -> list[list[Block]]:
        """The blocks of each cell; a cell over several columns is followed by empty ones."""
        if child(row, "trPr", "del") is not None:
            return []
        found: list[list[Block]] = []
        for cell in _descend(row, "tc"):
            properties = child(cell, "tcPr")
            merged = child(properties, "vMerge")
            below = merged is not None and attribute(merged, "val") in ("", "continue")
            found.append([] if below else list(self.blocks(cell)))
            span = value(properties, "gridSpan")
            found.extend([] for _ in range(min(int(span), 63) - 1 if span.isdecimal() else 0))
        return found


def _descend(parent: _Element, name: str) -> Iterator[_Element]:
    """Rows or cells, also inside content controls and tracked insertions, not those of nested tables."""
    for element in parent:
        kind = local(element)
        if kind == name:
            yield element
        elif kind in ("sdt", "sdtContent", "ins", "customXml", "moveTo"):
            yield from _descend(element, name)


def _cell(blocks: list[Block]) -> str:
    """A cell on one line; a nested table gives its cells, separated by commas."""
    pieces = []
    for block in blocks:
        if block.kind == "table":
            lines = [line for line in block.text.split("\n") if not line.startswith("| ---")]
            cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
            pieces.append("; ".join(", ".join(cell for cell in row if cell) for row in cells))
        else:
            pieces.append(block.text.lstrip("# ") if block.kind == "heading" else block.text)
    return " ".join(pieces)
