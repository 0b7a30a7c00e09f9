"""Write the PDF and DOCX samples in `documents/` from the texts in `sources/`.

    python examples/make_documents.py [FOLDER]

The same texts give the same bytes on every machine: times are fixed, nothing is compressed, and the two writers below
need the standard library only. Each text has a head (`key: value` lines) and a body of headings, paragraphs, lists and
tables.
"""

from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
TARGETS = {
    "backup-and-retention": "policies/backup-and-retention.pdf",
    "change-policy": "policies/change-policy.pdf",
    "access-policy": "policies/access-policy.docx",
    "on-call-handbook": "handbook/on-call-handbook.docx",
    "2026-03-14-ledger-outage": "incidents/2026-03-14-ledger-outage.pdf",
}


@dataclass
class Block:
    """A heading (`level` 1 or 2), a paragraph, a list item or a table."""

    kind: str
    text: str = ""
    level: int = 0
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Text:
    head: dict[str, str]
    blocks: list[Block]


def parse(source: str) -> Text:
    """Read the head between `---` lines and the blocks below it."""
    _, head, body = source.split("---\n", 2)
    pairs = (line.split(": ", 1) for line in head.splitlines())
    blocks: list[Block] = []
    for line in body.splitlines():
        if not line.strip():
            continue
        if line.startswith("#"):
            marks, text = line.split(" ", 1)
            blocks.append(Block("heading", text, level=len(marks)))
        elif line.startswith("|"):
            if blocks[-1].kind != "table":
                blocks.append(Block("table"))
            blocks[-1].rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif line.startswith("- "):
            blocks.append(Block("bullet", line[2:]))
        elif line[0].isdigit() and line.split(" ")[0].endswith("."):
            blocks.append(Block("number", line.split(" ", 1)[1]))
        else:
            blocks.append(Block("paragraph", line))
    return Text(dict(pairs), blocks)


# ---------------------------------------------------------------- PDF

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 595, 842, 64
BODY, SMALL = 12.5, 9
# Widths of Helvetica for codes 32..126 in thousandths of the font size (Adobe's font metrics).
_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
WIDTHS = {chr(32 + index): int(width) for index, width in enumerate(_WIDTHS.split())}


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Points that `text` takes; the bold face is about 7 % wider."""
    return sum(WIDTHS.get(letter, 556) for letter in text) * size / 1000 * (1.07 if bold else 1)


def wrap(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size, bold) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def literal(text: str) -> str:
    """A PDF string in WinAnsiEncoding, escaped to ASCII."""
    out = []
    for byte in text.encode("cp1252"):
        character = chr(byte)
        out.append(f"\\{character}" if character in "\\()" else character if 32 <= byte < 127 else f"\\{byte:03o}")
    return f"({''.join(out)})"


class PdfLayout:
    """Places blocks on pages from top to bottom; every page gets a running header and a footer."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.pages: list[list[str]] = []
        self.outline: list[tuple[str, int, float]] = []
        self.top = 0.0
        self._new_page()
        for index, block in enumerate(text.blocks):
            follower = text.blocks[index + 1] if index + 1 < len(text.blocks) else None
            self._place(block, follower)

    def _new_page(self) -> None:
        self.pages.append([])
        self.top = PAGE_HEIGHT - MARGIN - 20
        self._put(MARGIN, PAGE_HEIGHT - 40, SMALL, f"Tarnwell Cargo · {self.text.head['reference']}")

    def _put(self, left: float, base: float, size: float, text: str, bold: bool = False) -> None:
        font = "F2" if bold else "F1"
        self.pages[-1].append(f"BT /{font} {size:g} Tf {left:.2f} {base:.2f} Td {literal(text)} Tj ET")

    def _need(self, height: float) -> None:
        if self.top - height < MARGIN:
            self._new_page()

    def _place(self, block: Block, follower: Block | None) -> None:
        if block.kind == "heading":
            size = 18.0 if block.level == 1 else 13.0
            self._need(size * 2 + (60 if follower else 0))  # never alone at the foot of a page
            self.top -= size * 0.8
            self.outline.append((block.text, len(self.pages) - 1, self.top + size))
            self._lines(wrap(block.text, size, PAGE_WIDTH - 2 * MARGIN, True), size, MARGIN, bold=True)
            self.top -= 4
        elif block.kind == "table":
            self._table(block.rows)
        else:
            indent = 0 if block.kind == "paragraph" else 14
            lines = wrap(block.text, BODY, PAGE_WIDTH - 2 * MARGIN - indent)
            self._need(len(lines) * BODY * 1.55)
            if indent:
                self._put(MARGIN, self.top - BODY, BODY, "•")
            self._lines(lines, BODY, MARGIN + indent)
            self.top -= 9

    def _lines(self, lines: list[str], size: float, left: float, bold: bool = False) -> None:
        for line in lines:
            self._put(left, self.top - size, size, line, bold)
            self.top -= size * 1.55

    def _table(self, rows: list[list[str]]) -> None:
        room = PAGE_WIDTH - 2 * MARGIN
        wanted = [
            max(text_width(row[column], BODY, row is rows[0]) for row in rows) + 18 for column in range(len(rows[0]))
        ]
        others = sum(wanted) - max(wanted)
        widest = wanted.index(max(wanted))
        if sum(wanted) > room:
            wanted[widest] = max(room - others, room / len(wanted))
            scale = min(1.0, room / sum(wanted))
            wanted = [width * scale for width in wanted]
        for number, row in enumerate(rows):
            cells = [wrap(cell, BODY, width - 10, number == 0) for cell, width in zip(row, wanted, strict=True)]
            height = max(len(cell) for cell in cells) * BODY * 1.3 + 5
            self._need(height)
            left = float(MARGIN)
            for cell, width in zip(cells, wanted, strict=True):
                for index, line in enumerate(cell):
                    self._put(left + 4, self.top - BODY - index * BODY * 1.3, BODY, line, number == 0)
                left += width
            self.top -= height
            line = f"0.5 w {MARGIN} {self.top + 1:.2f} m {PAGE_WIDTH - MARGIN} {self.top + 1:.2f} l S"
            self.pages[-1].append(line)
        self.top -= 10

    def streams(self) -> list[bytes]:
        """The content of each page, with the footer that needs the number of pages."""
        for number, page in enumerate(self.pages, 1):
            footer = f"Page {number} of {len(self.pages)} · internal, do not pass on"
            page.append(f"BT /F1 {SMALL:g} Tf {MARGIN} 36 Td {literal(footer)} Tj ET")
        return ["\n".join(page).encode("ascii") for page in self.pages]


def to_pdf(text: Text) -> bytes:
    """PDF 1.4 with the two standard fonts, document information and an outline of the headings."""
    layout = PdfLayout(text)
    streams = layout.streams()
    pages = [7 + 2 * index for index in range(len(streams))]
    first_entry = 7 + 2 * len(streams)
    entries = layout.outline
    day = datetime.fromisoformat(text.head["date"])
    stamp = f"D:{day:%Y%m%d}090000Z"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R /Lang (en-GB) >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{number} 0 R' for number in pages)}] /Count {len(pages)} >>",
        font.format("Helvetica"),
        font.format("Helvetica-Bold"),
        f"<< /Title {literal(text.head['title'])} /Author {literal(text.head['author'])} "
        f"/Producer (examples/make_documents.py) /CreationDate ({stamp}) /ModDate ({stamp}) >>",
        f"<< /Type /Outlines /First {first_entry} 0 R /Last {first_entry + len(entries) - 1} 0 R "
        f"/Count {len(entries)} >>",
    ]
    for number, stream in zip(pages, streams, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream.decode('ascii')}\nendstream")
    for index, (title, page, top) in enumerate(entries):
        near = f" /Prev {first_entry + index - 1} 0 R" if index else ""
        near += f" /Next {first_entry + index + 1} 0 R" if index + 1 < len(entries) else ""
        objects.append(
            f"<< /Title {literal(title)} /Parent 6 0 R /Dest [{pages[page]} 0 R /XYZ 0 {top:.0f} 0]{near} >>"
        )
    return assemble(objects)


def assemble(objects: list[str]) -> bytes:
    """Number the objects from 1 and write the cross-reference table."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    out += "".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode("ascii")
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n".encode(
        "ascii"
    )
    return bytes(out)


# ---------------------------------------------------------------- DOCX

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
DEFAULT = ' w:default="1"'
CORE_TYPE = "application/vnd.openxmlformats-package.core-properties+xml"
_STYLES = (
    ("Normal", "Normal", ""),
    ("Heading1", "heading 1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:rPr><w:b/><w:sz w:val="36"/></w:rPr>'),
    ("Heading2", "heading 2", '<w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:rPr><w:b/><w:sz w:val="26"/></w:rPr>'),
    ("ListBullet", "List Bullet", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'),
    ("ListNumber", "List Number", '<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>'),
)
_PARAGRAPH_STYLES = {"paragraph": "Normal", "bullet": "ListBullet", "number": "ListNumber"}


def paragraph(text: str, style: str = "Normal") -> str:
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{run}</w:p>'


def table(rows: list[list[str]]) -> str:
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    width = 9000 // len(rows[0])
    grid = f'<w:gridCol w:w="{width}"/>' * len(rows[0])
    body = ""
    for number, row in enumerate(rows):
        header = "<w:trPr><w:tblHeader/></w:trPr>" if number == 0 else ""
        size = f'<w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
        body += f"<w:tr>{header}{''.join(f'<w:tc>{size}{paragraph(cell)}</w:tc>' for cell in row)}</w:tr>"
    return f"<w:tbl><w:tblPr><w:tblBorders>{edges}</w:tblBorders></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"


def document_body(text: Text) -> str:
    parts = []
    for block in text.blocks:
        if block.kind == "heading":
            parts.append(paragraph(block.text, f"Heading{block.level}"))
        elif block.kind == "table":
            parts.append(table(block.rows) + "<w:p/>")
        else:
            parts.append(paragraph(block.text, _PARAGRAPH_STYLES[block.kind]))
    references = '<w:headerReference w:type="default" r:id="rId3"/><w:footerReference w:type="default" r:id="rId4"/>'
    section = f'<w:sectPr>{references}<w:pgSz w:w="11906" w:h="16838"/></w:sectPr>'
    return f"<w:body>{''.join(parts)}{section}</w:body>"


def numbering() -> str:
    """List 1 has bullets, list 2 counts."""
    formats = (("bullet", "\u2022"), ("decimal", "%1."))
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{index}"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{label}"/><w:pPr><w:ind w:left="720" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>'
        for index, (kind, label) in enumerate(formats)
    )
    return levels + "".join(
        f'<w:num w:numId="{index + 1}"><w:abstractNumId w:val="{index}"/></w:num>' for index in range(len(formats))
    )


def core_properties(head: dict[str, str]) -> str:
    stamp = f'xsi:type="dcterms:W3CDTF">{head["date"]}T09:00:00Z<'
    return (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(head['title'])}</dc:title><dc:subject>{escape(head['reference'])}</dc:subject>"
        f"<dc:creator>{escape(head['author'])}</dc:creator><cp:lastModifiedBy>{escape(head['author'])}"
        f"</cp:lastModifiedBy><dcterms:created {stamp}/dcterms:created><dcterms:modified {stamp}/dcterms:modified>"
        "</cp:coreProperties>"
    )


def to_docx(text: Text) -> bytes:
    """A Word file (ECMA-376) with heading and list styles, tables, a page header and core properties."""
    parts = {
        "document": ("document", "document.main", document_body(text)),
        "styles": (
            "styles",
            "styles",
            "".join(
                f'<w:style w:type="paragraph" w:styleId="{key}"{DEFAULT * (key == "Normal")}>'
                f'<w:name w:val="{name}"/>{rest}</w:style>'
                for key, name, rest in _STYLES
            ),
        ),
        "numbering": ("numbering", "numbering", numbering()),
        "header1": ("hdr", "header", paragraph(f"Tarnwell Cargo · {text.head['reference']}")),
        "footer1": ("ftr", "footer", paragraph("internal, do not pass on")),
    }
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPES}.{kind}+xml"/>'
        for name, (_, kind, _content) in parts.items()
    )
    types += f'<Override PartName="/docProps/core.xml" ContentType="{CORE_TYPE}"/>'
    links = "".join(
        f'<Relationship Id="rId{index}" Type="{_OFFICE}/{parts[name][1]}" Target="{name}.xml"/>'
        for index, name in enumerate(list(parts)[1:], 1)
    )
    roots = (
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
        f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
    )
    relations = f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{{}}</Relationships>'
    files = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        "_rels/.rels": relations.format(roots),
        "docProps/core.xml": core_properties(text.head),
        "word/_rels/document.xml.rels": relations.format(links),
    }
    for name, (element, _, content) in parts.items():
        files[f"word/{name}.xml"] = f'{_HEAD}<w:{element} xmlns:w="{_WORD}" xmlns:r="{_OFFICE}">{content}</w:{element}>'
    return pack(files)


def pack(files: dict[str, str]) -> bytes:
    """A ZIP of stored members dated 1980: the bytes depend on the content alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, content.encode("utf-8"))
    return out.getvalue()


def make(folder: Path) -> list[Path]:
    """Write every sample below `folder` and return the paths."""
    written = []
    for name, target in TARGETS.items():
        text = parse((HERE / "sources" / f"{name}.md").read_text(encoding="utf-8"))
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_pdf(text) if path.suffix == ".pdf" else to_docx(text))
        written.append(path)
    return written


if __name__ == "__main__":
    for made in make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "documents"):
        sys.stdout.write(f"{made}\n")
