"""Plain text, Markdown and encodings."""

from __future__ import annotations

from typing import Any

import pytest

from opsvi_cli.builtin.processors.decoding import decode
from opsvi_cli.builtin.processors.markdown import Markdown
from opsvi_cli.builtin.processors.text import Text
from opsvi_cli.sdk import DocumentError

CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, a nikdo ho neslyšel."
GERMAN = "Übergröße: fünf Mädchen äßen höchst unübliche Brötchen, sagte der Bäcker größtenteils müde."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp1252"]
)
def test_encodings_are_found_out(encoding: str) -> None:
    text = GERMAN if encoding == "cp1252" else CZECH
    assert decode(text.encode(encoding)).text == text


def test_seven_bit_japanese_is_not_taken_for_utf8() -> None:
    text = "日本語のテキストです。"
    assert decode(text.encode("iso-2022-jp")).text == text


def test_one_damaged_byte_does_not_turn_all_accents_wrong() -> None:
    text = decode((CZECH * 3).encode() + b"\xff" + CZECH.encode()).text
    assert CZECH in text
    assert "\ufffd" in text


def test_binary_data_is_refused(read: Any) -> None:
    with pytest.raises(DocumentError, match="binary"):
        read(Text, bytes(range(32)) * 50, "junk.txt")


def test_form_feeds_divide_pages(read: Any) -> None:
    (document,) = read(Text, "one\r\n\ftwo\n\fthree\n", "rfc.txt")
    assert [document.text[page.start : page.end].strip() for page in document.pages] == ["one", "two", "three"]
    assert document.pages[-1].end == len(document.text)


def test_front_matter_becomes_metadata_and_the_rest_stays_word_for_word(read: Any) -> None:
    body = "# Title *one*\r\n\r\ntext\r\n\r\n```\r\n# no heading\r\n```\r\n\r\nSub\r\n---\r\nmore  \r\n"
    (document,) = read(Markdown, "---\r\ntitle: The plan\r\ndate: 2024-05-06\r\ntags: [a, b]\r\n---\r\n" + body)
    assert document.text == body.replace("\r\n", "\n")
    assert document.title == "The plan"
    assert document.metadata == {"title": "The plan", "date": "2024-05-06", "tags": ["a", "b"]}
    assert [section.path for section in document.sections] == [("Title one",), ("Title one", "Sub")]
    sub = document.sections[1]
    assert document.text[sub.start : sub.end] == "Sub\n---\nmore  \n"


def test_sections_end_where_a_heading_of_their_level_begins(read: Any) -> None:
    text = "# A\na\n## B\nb\n### C\nc\n## D\nd\n# E\ne\n"
    (document,) = read(Markdown, text)
    spans = {section.path[-1]: text[section.start : section.end] for section in document.sections}
    assert spans["A"] == "# A\na\n## B\nb\n### C\nc\n## D\nd\n"
    assert spans["B"] == "## B\nb\n### C\nc\n"
    assert spans["D"] == "## D\nd\n"
    assert document.section_at(text.index("c\n")) == ("A", "B", "C")
    assert document.title == "A"


@pytest.mark.parametrize(
    "front", ["a: &x [1]\nb: *x", "a: [unclosed", "a: " + "[" * 5000], ids=["alias bomb", "broken", "deep"]
)
def test_front_matter_that_cannot_be_read_stays_in_the_text(read: Any, front: str) -> None:
    (document,) = read(Markdown, f"---\n{front}\n---\nbody\n")
    assert front in document.text
    assert "front matter" in document.warnings[0]
    assert document.metadata == {}


@pytest.mark.parametrize("bomb", ["`" * 100_000, "[" * 100_000, ">" * 50_000, "**a *b " * 50_000])
def test_markdown_bombs_keep_their_text(read: Any, bomb: str) -> None:
    (document,) = read(Markdown, bomb + " sentinel")
    assert document.text == bomb + " sentinel"
