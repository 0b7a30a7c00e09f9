"""`opsvi extract`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "extract.schema.json"
MARKDOWN = """# Title

See [the manual](https://example.org) for **bold** and `code`.

> quoted

| a | b |
| --- | --- |
| 1 | x\\|y |

```sh
ls -l
```

- item with snake_case_word
"""


def docx(text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        body = f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>"
        archive.writestr("word/document.xml", f"<w:document {w}>{body}</w:document>")
    return data.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text(MARKDOWN)
    (tmp_path / "b.docx").write_bytes(docx("from Word"))
    (tmp_path / "bad.docx").write_bytes(b"PK\x03\x04 word/document.xml")
    (tmp_path / "rows.jsonl").write_text('{"_id": "r1", "text": "one"}\n{"text": "two"}\nnope\n')
    return tmp_path


def test_markdown_is_printed_as_it_is(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "a.md")
    assert (result.code, result.out, result.err) == (0, MARKDOWN, "")


def test_text_has_no_marks(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "a.md", "--format", "text")
    assert result.out == (
        "Title\n\nSee the manual for bold and code.\n\nquoted\n\na\tb\n1\tx|y\n\nls -l\n\n- item with snake_case_word\n"
    )


def test_json_is_the_documents(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "a.md", "rows.jsonl", "b.docx", "--json")
    assert result.code == 0
    jsonschema.validate(result.json, json.loads(GOLDEN.read_text()))
    assert [row["part"] for row in result.json] == ["", "r1", "line:2", ""]
    assert result.json[1]["document_id"] == "r1"
    assert result.json[0]["source"] == str(folder / "a.md")
    assert result.json[0]["sections"] == [{"path": ["Title"], "level": 1, "start": 0, "end": len(MARKDOWN)}]
    assert "line 3 is not JSON" in result.json[1]["warnings"][0]
    assert "line 3 is not JSON" in result.err
    lines = opsvi("extract", "a.md", "rows.jsonl", "b.docx", "--jsonl").jsonl
    assert lines == result.json
    assert opsvi("extract", "a.md", "--format", "json").json == result.json[:1]


def test_fields_are_picked(opsvi: Any, folder: Path) -> None:
    assert opsvi("extract", "a.md", "--json=title,media_type").json == [
        {"title": "Title", "media_type": "text/markdown"}
    ]
    wrong = opsvi("extract", "a.md", "--json=nope")
    assert wrong.code == 2
    assert "Available fields" in wrong.err


def test_one_bad_source_of_several_is_partial(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "bad.docx", "b.docx", "missing.txt")
    assert result.code == 3
    assert result.out == "from Word\n"
    assert "bad.docx is damaged" in result.err
    assert "no such file" in result.err
    assert "2 of 3 sources could not be read" in result.err


def test_all_bad_is_a_failure(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "bad.docx", "missing.txt")
    assert (result.code, result.out) == (1, "")
    single = opsvi("extract", "bad.docx")
    assert (single.code, single.out) == (1, "")
    assert single.err.startswith("opsvi: bad.docx is damaged")
    assert "hint:" in single.err


def test_errors_as_json(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "bad.docx", "--json")
    assert result.code == 1
    assert json.loads(result.err)["error"]["code"] == "document"


def test_standard_input(opsvi: Any, folder: Path) -> None:
    result = opsvi("extract", "-", "--name", "page.html", "--json", stdin=b"<h1>Hi</h1><p>there</p>")
    assert result.json[0]["source"] == "stdin:page.html"
    assert result.json[0]["media_type"] == "text/html"
    assert opsvi("extract", "-", stdin=docx("piped")).out == "piped\n"
    assert opsvi("extract", "-").code == 2
    assert opsvi("extract", "a.md", "--name", "x").code == 2
    assert opsvi("extract", ".").code == 2


def test_a_password_comes_from_a_file_and_appears_nowhere(opsvi: Any, folder: Path) -> None:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("hunter2secret", algorithm="RC4-128")
    writer.write(folder / "locked.pdf")
    (folder / "pw").write_text("hunter2secret\n")
    (folder / "wrong").write_text("wrong-secret\n")
    locked = opsvi("extract", "locked.pdf")
    assert locked.code == 1
    assert "--password-file" in locked.err
    opened = opsvi("extract", "locked.pdf", "--password-file", "pw", "-vv")
    assert "password" not in opened.err.replace("--password-file", "")
    assert "hunter2" not in opened.err + opened.out
    refused = opsvi("extract", "locked.pdf", "--password-file", "wrong")
    assert "is wrong" in refused.err
    assert "wrong-secret" not in refused.err
    assert opsvi("extract", "locked.pdf", "--password-file", "nofile").code == 2


def test_hidden_characters_do_not_reach_stdout(opsvi: Any, folder: Path) -> None:
    (folder / "evil.txt").write_bytes("\x1b[31mred\x1b[0m \u202eevil\u202c".encode())
    assert opsvi("extract", "evil.txt").out == "red evil\n"


def test_help_has_examples(opsvi: Any) -> None:
    assert "opsvi extract report.pdf" in opsvi("extract", "--help").out
