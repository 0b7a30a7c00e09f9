"""Word documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.builtin.processors.docx import Docx
from opsvi_cli.sdk import DocumentError

Build = Callable[..., bytes]


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def text_of(read: Any, data: bytes) -> str:
    (document,) = read(Docx, data, "x.docx")
    return str(document.text)


@pytest.mark.parametrize(
    ("body", "there", "gone"),
    [
        (
            "<w:p><w:ins><w:r><w:t>kept</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del></w:p>",
            "kept",
            "gone",
        ),
        (
            "<w:p><w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>kept</w:t></w:r></w:moveTo></w:p>",
            "kept",
            "gone",
        ),
        (
            "<w:sdt><w:sdtPr><w:alias w:val='gone'/></w:sdtPr><w:sdtContent>"
            "<w:p><w:r><w:t>kept</w:t></w:r></w:p></w:sdtContent></w:sdt>",
            "kept",
            "gone",
        ),
        ("<w:p><w:r><w:instrText>gone</w:instrText></w:r><w:r><w:t>kept</w:t></w:r></w:p>", "kept", "gone"),
        (
            "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>gone</w:t></w:r>"
            "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>kept</w:t></w:r></w:p>",
            "kept",
            "gone",
        ),
        ("<w:p><m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath></w:p>", "E=mc", "gone"),
    ],
    ids=["tracked", "moved", "control", "field", "hidden", "equation"],
)
def test_what_a_reader_sees(read: Any, docx: Build, body: str, there: str, gone: str) -> None:
    text = text_of(read, docx(body))
    assert there in text
    assert gone not in text


def test_a_text_box_is_read_once(read: Any, docx: Build) -> None:
    box = f"<w:txbxContent>{p('in the box')}</w:txbxContent>"
    body = (
        "<w:p><w:r><w:t>around</w:t><mc:AlternateContent><mc:Choice>"
        + box
        + "</mc:Choice><mc:Fallback>"
        + box
        + "</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert text_of(read, docx(body)) == "around\n\nin the box"


def test_strict_documents(read: Any, docx: Build) -> None:
    data = docx(p("strict text"), namespace="http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert text_of(read, data) == "strict text"


STYLES = """<w:root><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style></w:root>"""
NUMBERING = """<w:root><w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:root>"""


def test_headings_make_sections(read: Any, docx: Build) -> None:
    body = (
        p("Intro", '<w:pStyle w:val="H1"/>')
        + p("one")
        + p("Detail", '<w:pStyle w:val="Mine"/>')
        + p("two")
        + p("Next", '<w:outlineLvl w:val="0"/>')
        + p("three", '<w:pStyle w:val="Loop"/>')
    )
    (document,) = read(
        Docx, docx(body, {"word/styles.xml": STYLES, "word/footer1.xml": f"<w:root>{p('foot')}</w:root>"})
    )
    assert document.text == "# Intro\n\none\n\n## Detail\n\ntwo\n\n# Next\n\nthree\n\nfoot"
    assert [section.path for section in document.sections] == [("Intro",), ("Intro", "Detail"), ("Next",)]
    last = document.sections[-1]
    assert document.text[last.start : last.end] == "# Next\n\nthree"
    assert document.title == "Intro"


def test_lists_count_as_the_word_processor_does(read: Any, docx: Build) -> None:
    def item(text: str, number: int, level: int) -> str:
        return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')

    body = item("a", 1, 0) + item("b", 1, 1) + item("c", 1, 1) + item("d", 1, 0) + item("e", 1, 1) + item("f", 2, 0)
    text = text_of(read, docx(body, {"word/numbering.xml": NUMBERING}))
    assert text == "1. a\n   1.a) b\n   1.b) c\n2. d\n   2.a) e\n- f"


def test_tables(read: Any, docx: Build) -> None:
    def cell(inner: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"

    nested = f"<w:tbl><w:tr>{cell(p('in'))}{cell(p('side'))}</w:tr></w:tbl>"
    body = (
        f"<w:tbl><w:tr>{cell(p('a|b'))}{cell(p('c'), '<w:vMerge w:val=' + chr(34) + 'restart' + chr(34) + '/>')}</w:tr>"
        f"<w:tr>{cell(nested)}{cell(p(''), '<w:vMerge/>')}</w:tr>"
        f"<w:tr>{cell(p('wide'), '<w:gridSpan w:val=' + chr(34) + '2' + chr(34) + '/>')}</w:tr></w:tbl>"
    )
    assert text_of(read, docx(body)).split("\n") == [
        "| a\\|b | c |", "| --- | --- |", "| in, side |  |", "| wide |  |",
    ]  # fmt: skip


def test_notes_comments_margins_links_and_properties(read: Any, docx: Build) -> None:
    body = (
        '<w:p><w:hyperlink r:id="l1"><w:r><w:t>site</w:t></w:r></w:hyperlink><w:r><w:t> word</w:t>'
        '<w:footnoteReference w:id="2"/></w:r></w:p>'
    )
    parts = {
        "word/_rels/document.xml.rels": '<Relationships><Relationship Id="l1" Type="x/hyperlink" '
        'Target="https://example.org/a b" TargetMode="External"/></Relationships>',
        "word/footnotes.xml": f'<w:root><w:footnote w:type="separator" w:id="0">{p("no")}</w:footnote>'
        f'<w:footnote w:id="2">{p("the note")}</w:footnote></w:root>',
        "word/endnotes.xml": f'<w:root><w:endnote w:id="1">{p("the end")}</w:endnote></w:root>',
        "word/comments.xml": f'<w:root><w:comment w:id="1" w:author="Eve">{p("look here")}</w:comment></w:root>',
        "word/header1.xml": f"<w:root>{p('Acme')}</w:root>",
        "word/header2.xml": f"<w:root>{p('Acme')}</w:root>",
        "docProps/core.xml": '<c xmlns:d="urn:d"><d:title>My Title</d:title><d:creator>Ada</d:creator>'
        "<d:created>2024-01-02T03:04:05Z</d:created></c>",
    }
    (document,) = read(Docx, docx(body, parts))
    assert document.text == (
        "[site](https://example.org/a%20b) word[^2]\n\nAcme\n\n[^2]: the note\n[^e1]: the end\n\n"
        "> Comment (Eve): look here"
    )
    assert document.title == "My Title"
    assert document.metadata == {"title": "My Title", "author": "Ada", "created": "2024-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("checked", "sign"), [("<w:checked/>", "☒"), ('<w:checked w:val="0"/>', "☐"), ('<w:default w:val="1"/>', "☒")]
)
def test_old_check_boxes(read: Any, docx: Build, checked: str, sign: str) -> None:
    box = f"<w:fldChar><w:ffData><w:checkBox>{checked}</w:checkBox></w:ffData></w:fldChar>"
    body = f"<w:p><w:r>{box}<w:t> tea</w:t></w:r></w:p>"
    assert text_of(read, docx(body)) == f"{sign} tea"


def test_a_zip_bomb_is_not_unpacked(read: Any, docx: Build) -> None:
    with pytest.raises(DocumentError, match="max_expanded_bytes"):
        read(Docx, docx(p("A" * 60_000_000)))
    with pytest.raises(DocumentError, match="times its size"):
        read(Docx, docx(p("A" * 20_000_000)))


def test_entities_are_refused_and_read_no_file(read: Any, tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    for doctype, use in (
        (f'<!ENTITY x SYSTEM "file://{secret}">', "&x;"),
        (f'<!ENTITY l0 "lol">{laughs}', "&l8;"),
    ):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            body = f"<w:body><w:p><w:r><w:t>{use}</w:t></w:r></w:p></w:body>"
            xml = f"<!DOCTYPE d [{doctype}]><w:document {w}>{body}</w:document>"
            archive.writestr("word/document.xml", xml)
        with pytest.raises(DocumentError, match=r"declares entities|amplification") as error:
            read(Docx, data.getvalue(), "x.docx")
        assert "TOPSECRET" not in error.value.message


@pytest.mark.parametrize("data", [b"PK\x03\x04 nothing", b""])
def test_damaged_files(read: Any, data: bytes) -> None:
    with pytest.raises(DocumentError, match="damaged"):
        read(Docx, data, "x.docx")


def test_no_document_in_the_zip(read: Any) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DocumentError, match="no Word document"):
        read(Docx, data.getvalue(), "x.docx")
