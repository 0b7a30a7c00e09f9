"""Builders of small documents, and `read`: the documents that a processor makes of bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from opsvi_cli.sdk import Document, Source

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture
def read() -> Callable[..., list[Document | Source]]:
    """`read(Processor, data, name="x.pdf", **fields of Source)`."""

    def call(processor: Any, data: bytes | str, name: str = "x", **more: Any) -> list[Document | Source]:
        raw = data.encode() if isinstance(data, str) else data
        services = SimpleNamespace(options={"max_expanded_bytes": 50_000_000})
        return list(processor(services).read(Source(f"/docs/{name}", name, raw, **more)))

    return call


@pytest.fixture
def docx() -> Callable[..., bytes]:
    """A Word document from the XML inside `w:body` and further parts by name."""

    def build(body: str, parts: Mapping[str, str] | None = None, namespace: str = W) -> bytes:
        head = f'xmlns:w="{namespace}" xmlns:r="{RELATIONS}" xmlns:m="urn:math" xmlns:mc="urn:mc" xmlns:v="urn:v"'
        files = {
            "_rels/.rels": '<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
            "word/document.xml": f"<w:document {head}><w:body>{body}</w:body></w:document>",
            **{name: text.replace("<w:root", f"<w:root {head}") for name, text in (parts or {}).items()},
        }
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return data.getvalue()

    return build


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    """A PDF by hand: `pages` are content streams, `extra` further objects from number 4 + 2 * len(pages) on."""

    def build(
        pages: Sequence[str | bytes], *, info: str = "", catalog: str = "", page: str = "", extra: Sequence[str] = ()
    ) -> bytes:
        count = len(pages)
        kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(count))
        objects: list[bytes] = [
            f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
            f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
        for index, content in enumerate(pages):
            raw = content.encode("latin-1") if isinstance(content, str) else content
            objects.append(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * index} 0 R "
                f"{page or '/Resources << /Font << /F1 3 0 R >> >>'} >>".encode()
            )
            objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(raw), raw))
        objects += [item.encode("latin-1") for item in extra]
        data, offsets = b"%PDF-1.7\n", []
        for number, item in enumerate(objects, 1):
            offsets.append(len(data))
            data += b"%d 0 obj\n%s\nendobj\n" % (number, item)
        start = len(data)
        data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        trailer = f"/Size {len(objects) + 1} /Root 1 0 R {info}"
        return data + f"trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()

    return build


@pytest.fixture
def lines() -> Callable[..., str]:
    """A content stream that draws one line of text below the other."""

    def draw(*texts: str) -> str:
        shown = " ".join(f"({text}) Tj 0 -20 Td" for text in texts)
        return f"BT /F1 12 Tf 72 720 Td {shown} ET"

    return draw
