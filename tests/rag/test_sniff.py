"""What a source is."""

from __future__ import annotations

import io
import os
import zipfile

import pytest

from opsvi_cli.rag.sniff import DOCX, sniff

MAIL = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nbody"
OFFICE = "application/vnd.openxmlformats-officedocument"


def zipped(**members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return data.getvalue()


@pytest.mark.parametrize("name", ["x", "x.txt", "x.docx"])
@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"%PDF-1.4\n1 0 obj", "application/pdf"),
        (b"\0junk\r\n%PDF-1.4\n1 0 obj", "application/pdf"),
        (zipped(word__document="x"), DOCX),
        (zipped(ppt__slides="x"), f"{OFFICE}.presentationml.presentation"),
        (zipped(xl__workbook="x"), f"{OFFICE}.spreadsheetml.sheet"),
        (zipped(mimetype="application/epub+zip"), "application/epub+zip"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (zipped(a="x"), "application/zip"),
        (b"{\\rtf1 hello}", "application/rtf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\x7fELF\x02\x01" + bytes(100), "application/x-elf"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__properties_version1.0".encode("utf-16-le"),
            "application/vnd.ms-outlook",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "application/msword"),
        (b"\x1f\x8b\x08" + bytes(20), "application/gzip"),
        (b"<!doctype html><p>x", "text/html"),
        (b"\n<!-- c --><html><body>x", "text/html"),
        ("<html><body>ž</body></html>".encode("utf-16"), "text/html"),
    ],
)
def test_content_goes_before_the_name(data: bytes, media_type: str, name: str) -> None:
    assert sniff(data, name) == media_type


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (MAIL, "message/rfc822"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b'{"a": 1}', "application/json"),
        (b'{"a": 1}\n{"a": 2}\n', "application/jsonl"),
        (b"a,b,c\n1,2,3\n4,5,6\n", "text/csv"),
        (b"a\tb\tc\n1\t2\t3\n4\t5\t6\n", "text/tab-separated-values"),
        (b"Just some words, with commas, in a line.\n", "text/plain"),
        (b"Note: this is\nno: mail\n\nat all", "text/plain"),
        ("Příliš žluťoučký".encode("utf-16-le"), "text/plain"),
        ("größer".encode("cp1252"), "text/plain"),
        (os.urandom(64) + bytes(range(9)) * 100, "application/octet-stream"),
        (b"", "text/plain"),
    ],
)
def test_without_a_suffix(data: bytes, media_type: str) -> None:
    assert sniff(data, "noext") == media_type


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (b"plain words", "x.md", "text/markdown"),
        (b"# Title", "x.txt", "text/plain"),
        (b"<p>html first in Markdown</p>", "x.md", "text/markdown"),
        (b"just text", "x.pdf", "text/plain"),
        (b"just text", "x.docx", "text/plain"),
        (b"a,b\n1,2\n", "x.csv", "text/csv"),
        (b"{broken", "x.json", "application/json"),
        (b'{"text": "only line"}', "x.jsonl", "application/jsonl"),
        (b'{"a":1}\n{"a":2}', "x.json", "application/jsonl"),
        (b"Subject: lonely\n\nbody", "x.eml", "message/rfc822"),
        (b"BMW builds cars, and MZ built motorcycles", "cars", "text/plain"),
    ],
)
def test_the_suffix_decides_between_kinds_of_text(data: bytes, name: str, media_type: str) -> None:
    assert sniff(data, name) == media_type


def test_a_claim_counts_last() -> None:
    assert sniff(b"words", "page", "text/html; charset=utf-8") == "text/html"
    assert sniff(b"words", "page.md", "text/html") == "text/markdown"
    assert sniff(b"%PDF-1.4\n", "page", "text/html") == "application/pdf"
    assert sniff(b"words", "page", "application/pdf") == "text/plain"


def test_a_program_that_speaks_of_pdf_is_no_pdf() -> None:
    code = b'MAGIC = (b"%PDF-", "application/pdf")\nobjects = ["1 0 obj"]\n'
    assert sniff(code, "magic.py") == "text/plain"
    assert sniff(b"\x80\x00junk\n%PDF-1.4\n1 0 obj\n", "scan") == "application/pdf"
