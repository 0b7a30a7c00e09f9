"""PDF."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.builtin.processors.pdf import Pdf
from opsvi_cli.builtin.processors.pdf_text import clean_pages
from opsvi_cli.sdk import DocumentError, Page

Build = Callable[..., bytes]
Lines = Callable[..., str]


def test_pages_have_exact_offsets(read: Any, pdf: Build, lines: Lines) -> None:
    (document,) = read(Pdf, pdf([lines("First page", "goes on"), lines("Second page")]), "x.pdf")
    assert document.text == "First page\ngoes on\n\nSecond page"
    assert document.pages == (Page(1, 0, 20), Page(2, 20, 31))
    assert document.page_at(document.text.index("Second")) == 2
    assert document.metadata["pages"] == 2
    assert document.metadata["encrypted"] is False
    assert document.metadata["has_text_layer"] is True


def test_document_information(read: Any, pdf: Build, lines: Lines) -> None:
    info = "<< /Title (The Title) /Author (Ada) /Keywords (a, b) /CreationDate (D:20240203040506Z) >>"
    (document,) = read(Pdf, pdf([lines("text")], info="/Info 6 0 R", extra=[info]), "x.pdf")
    assert document.title == "The Title"
    assert document.metadata["author"] == "Ada"
    assert document.metadata["keywords"] == "a, b"
    assert str(document.metadata["created"]).startswith("2024-02-03T04:05:06")


def test_outline_becomes_sections(read: Any, pdf: Build, lines: Lines) -> None:
    extra = [
        "<< /Type /Outlines /First 9 0 R /Last 10 0 R /Count 2 >>",
        "<< /Title (Start) /Parent 8 0 R /Next 10 0 R /Dest [4 0 R /Fit] >>",
        "<< /Title (The  End) /Parent 8 0 R /Prev 9 0 R /Dest [6 0 R /Fit] >>",
    ]
    data = pdf([lines("Start", "words"), lines("preface", "The End", "last")], catalog="/Outlines 8 0 R", extra=extra)
    (document,) = read(Pdf, data, "x.pdf")
    first, second = document.sections
    assert (first.path, first.start) == (("Start",), 0)
    assert document.text[second.start : second.end] == "The End\nlast"


def test_comments_and_form_fields_are_text(read: Any, pdf: Build, lines: Lines) -> None:
    page = "/Resources << /Font << /F1 3 0 R >> >> /Annots [6 0 R 7 0 R]"
    extra = [
        "<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (check this number) /T (Bob) >>",
        "<< /Type /Annot /Subtype /Widget /Rect [0 0 9 9] /FT /Tx /T (Name) /V (Grace Hopper) >>",
    ]
    data = pdf([lines("text")], page=page, extra=extra, catalog="/AcroForm << /Fields [7 0 R] >>")
    (document,) = read(Pdf, data, "x.pdf")
    assert "> Comment (Bob): check this number" in document.text
    assert "- Name: Grace Hopper" in document.text


def test_passwords(read: Any, pdf: Build, lines: Lines) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(pdf([lines("hidden words")]))))
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    (document,) = read(Pdf, out.getvalue(), "x.pdf", password="secret")
    assert "hidden words" in document.text
    assert document.metadata["encrypted"] is True
    with pytest.raises(DocumentError, match="needs a password") as needed:
        read(Pdf, out.getvalue(), "x.pdf")
    assert "--password-file" in needed.value.hint
    with pytest.raises(DocumentError, match="wrong"):
        read(Pdf, out.getvalue(), "x.pdf", password="nope")


def test_a_scan_says_that_it_has_no_text_layer(read: Any, pdf: Build) -> None:
    page = "/Resources << /XObject << /Im 6 0 R >> >>"
    image = (
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 "
        "/Length 1 >>\nstream\nx\nendstream"
    )
    with pytest.raises(DocumentError, match="no text layer") as error:
        read(Pdf, pdf(["q 100 0 0 100 0 0 cm /Im Do Q"], page=page, extra=[image]), "scan.pdf")
    assert "ocrmypdf" in error.value.hint


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"junk" * 500])
def test_damaged_files_are_one_clear_error(read: Any, data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"x\.pdf cannot be read as PDF"):
        read(Pdf, data, "x.pdf")


def test_a_file_without_its_end_is_still_read(read: Any, pdf: Build, lines: Lines) -> None:
    (document,) = read(Pdf, pdf([lines("still here")])[:-30], "x.pdf")
    assert "still here" in document.text


def test_forms_that_draw_each_other_do_not_reach_pdfium(read: Any, pdf: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object) -> str:
        raise AssertionError("PDFium would not come back")

    monkeypatch.setattr("opsvi_cli.builtin.processors.pdf_pdfium.Pdfium.page_text", never)
    page = "/Resources << /Font << /F1 3 0 R >> /XObject << /X 6 0 R >> >>"

    def form(number: int) -> str:
        objects = f"/XObject << /X {number} 0 R /Y {number} 0 R >>"
        return (
            f"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << {objects} >> /Length 1 >>\n"
            "stream\nq\nendstream"
        )

    for extra in ([form(6)], [form(7 + index) for index in range(40)] + [form(3)]):
        (document,) = read(Pdf, pdf(["BT /F1 12 Tf (short) Tj ET"], page=page, extra=extra), "x.pdf")
        assert "short" in document.text


def test_pdfium_reads_the_page_that_pypdf_cannot(read: Any, pdf: Build, lines: Lines, monkeypatch: Any) -> None:
    from pypdf import PageObject

    def fail(_page: object) -> str:
        raise ValueError("odd font")

    monkeypatch.setattr(PageObject, "extract_text", fail)
    (document,) = read(Pdf, pdf([lines("words that are there")]), "x.pdf")
    assert "words that are there" in document.text


def test_a_flate_bomb_is_an_error(read: Any, pdf: Build) -> None:
    bomb = zlib.compress(b" " * 200_000_000, 9)
    data = pdf([bomb]).replace(b"<< /Length %d >>" % len(bomb), b"<< /Filter /FlateDecode /Length %d >>" % len(bomb))
    with pytest.raises(DocumentError, match="page 1 cannot be read"):
        read(Pdf, data, "x.pdf")


def test_ligatures_soft_hyphens_and_line_ends() -> None:
    (page,) = clean_pages(["The ﬁrst oﬃce is exam-\nple text, well-\nknown and so\u00adft. A well-known word."])
    assert page == "The first office is example text, well-known and soft. A well-known word."


def test_running_headers_go_but_their_first_stays_and_no_page_is_emptied() -> None:
    pages = [f"Annual Report\ntext number {word}\nPage {n} of 5" for n, word in enumerate("abcde", 1)]
    cleaned = clean_pages(pages)
    assert cleaned[0].startswith("Annual Report\ntext number a")
    assert cleaned[1:] == [f"text number {word}" for word in "bcde"]
    assert clean_pages(["the same"] * 6) == ["the same"] * 6
    assert clean_pages(pages[:3])[2] == "Annual Report\ntext number c\nPage 3 of 5"
