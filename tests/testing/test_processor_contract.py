"""`check_processor` bites: one wrong processor for each promise."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.sdk import Document, DocumentError, Page, Section, Source
from opsvi_cli.testing import check_processor

SAMPLE = Source("/home/me/note.txt", "note.txt", b"First line.\nSecond line.\n")
TEXT = "First line.\nSecond line.\n"


class Good:
    """Reads text. Bytes that are no text are refused."""

    def read(self, source: Source) -> Iterator[Document | Source]:
        try:
            text = source.data.decode()
        except UnicodeDecodeError:
            raise DocumentError(f"{source.name} is no text", hint="save it as UTF-8") from None
        yield from self.items(source, text)

    def items(self, source: Source, text: str) -> Iterator[Any]:
        yield Document(text)


def test_a_good_one() -> None:
    check_processor(Good(), [SAMPLE])
    check_processor(Good(), [])


def wrong(make: Callable[[Source, str], Any]) -> Good:
    made = Good()
    made.items = make  # type: ignore[assignment, method-assign]
    return made


def member(**fields: Any) -> Callable[[Source, str], Any]:
    def make(source: Source, text: str) -> Any:
        uri = fields.get("uri", f"{source.uri}!part")
        return [Document(text), Source(uri, fields.get("name", "part"), fields.get("data", b""))]

    return make


_numbers = count()

ITEMS: dict[str, tuple[Callable[[Source, str], Any], str]] = {
    "nothing": (lambda *_: [], "note.txt must give a document; it gave none"),
    "no text": (lambda *_: [Document(" ")], "note.txt must give a document with text"),
    "a text": (lambda _, text: [text], "`read` gives Document and Source; it gave 'First line."),
    "for ever": (lambda *_: repeat(Document("x")), "`read` must end; 100000 documents came"),
    "bytes": (lambda *_: [Document(TEXT, title=b"x")], "text, title, media type, part, id and warnings"),  # type: ignore[arg-type]
    "a page outside": (
        lambda _, text: [Document(text, pages=(Page(1, 0, len(text) + 1),))],
        "pages must lie inside the text; Page(number=1",
    ),
    "pages over one another": (
        lambda _, text: [Document(text + "abc", pages=(Page(1, 0, 2), Page(2, 1, 3)))],
        "pages must follow one another; Page(number=2, start=1, end=3) begins before 2",
    ),
    "a section outside": (
        lambda _, text: [Document(text, sections=(Section(("A",), 1, -1, 0),))],
        "sections must lie inside the text",
    ),
    "a section without headings": (
        lambda _, text: [Document(text, sections=(Section((), 1, 0, 0),))],
        "a section must have a level from 1 on and its headings",
    ),
    "a section of level 0": (
        lambda _, text: [Document(text, sections=(Section(("A",), 0, 0, 0),))],
        "a section must have a level from 1 on and its headings",
    ),
    "metadata": (lambda _, text: [Document(text, metadata={"a": {1, 2}})], "the metadata of a document must be JSON"),  # type: ignore[dict-item]
    "metadata by number": (lambda _, text: [Document(text, metadata={1: "a"})], "metadata of a document must be JSON"),  # type: ignore[dict-item]
    "the same part": (lambda _, text: [Document(text)] * 2, "documents of one source must have different `part`s"),
    "another parent": (member(uri="/elsewhere!part"), "a member must have the address PARENT!MEMBER; it has '/elsew"),
    "a nameless member": (member(name=""), "a member must have a name; it has ''"),
    "a member of text": (member(data="x"), "the data of a member must be bytes; they are str"),
    "never the same": (lambda _, text: [Document(text, title=str(next(_numbers)))], "the same documents again"),
}


@pytest.mark.parametrize("name", ITEMS)
def test_wrong_documents(name: str, broken: Callable[..., Any]) -> None:
    make, words = ITEMS[name]
    found = broken(check_processor, wrong(make), [SAMPLE])
    assert any(words in sentence for sentence in found), found


class Refuses:
    """Refuses what is no sample with `error`."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self, source: Source) -> Iterator[Document]:
        if source.data != SAMPLE.data:
            raise self.error
        yield Document(TEXT)


REFUSALS: dict[str, tuple[BaseException, str]] = {
    "another exception": (ValueError("eh"), "must be refused with DocumentError; for empty.txt it raised ValueError"),
    "ends the program": (SystemExit(2), "must be refused with DocumentError; for empty.txt it raised SystemExit: 2"),
    "no hint": (DocumentError("bad"), "DocumentError must have a hint; for empty.txt it has none"),
    "no message": (DocumentError("", hint="x"), "DocumentError must say in one line what failed"),
    "two lines": (DocumentError("a\nb", hint="x"), "DocumentError must say in one line what failed"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_wrong_refusals(name: str, broken: Callable[..., Any]) -> None:
    error, words = REFUSALS[name]
    found = broken(check_processor, Refuses(error), [SAMPLE])
    assert any(words in sentence for sentence in found), found


def test_wrong_documents_of_hostile_bytes(broken: Callable[..., Any]) -> None:
    class Blind:
        def read(self, source: Source) -> Iterator[Document]:
            text = source.data.decode(errors="replace")
            yield Document(text, pages=(Page(1, 0, 25),))

    (found,) = broken(check_processor, Blind(), [SAMPLE])
    assert found.startswith("pages must lie inside the text")


def test_a_sample_that_cannot_be_read(broken: Callable[..., Any]) -> None:
    class Picky:
        def read(self, source: Source) -> Iterator[Document]:
            raise DocumentError("no", hint="another")

    assert broken(check_processor, Picky(), [SAMPLE]) == ("reading note.txt must work; it raised DocumentError: no",)


def _connects() -> None:
    with socket.socket() as connection:
        connection.settimeout(0.01)
        connection.connect_ex(("127.0.0.1", 9))


ACTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "reads": (lambda folder: (folder / "there").read_bytes(), "read "),
    "writes": (lambda folder: (folder / "new").write_text("x"), "wrote "),
    "lists": (lambda folder: os.listdir(folder), "listed "),
    "makes a folder": (lambda folder: (folder / "sub").mkdir(exist_ok=True), "made a folder"),
    "removes": (lambda folder: (folder / "gone").unlink(missing_ok=True), "removed a file"),
    "connects": (lambda _: _connects(), "connected to a host"),
    "resolves": (lambda _: socket.getaddrinfo("localhost", 80), "asked for the address of a host"),
    "starts a program": (lambda _: subprocess.run(["true"], check=True), "started a program"),
}


@pytest.mark.parametrize("name", ACTS)
def test_touching_the_outside(name: str, tmp_path: Path, broken: Callable[..., Any]) -> None:
    act, words = ACTS[name]
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "there").write_text("x")

    def items(_source: Source, text: str) -> Any:
        act(folder)
        return [Document(text)]

    (found,) = broken(check_processor, wrong(items), [SAMPLE])
    assert found.startswith(f"`read` must not touch disk, network or other programs; it {words}"), found


def test_opening_the_source_by_its_address(tmp_path: Path, broken: Callable[..., Any]) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(SAMPLE.data)

    def items(source: Source, _text: str) -> Any:
        return [Document(Path(source.uri).read_text())]

    sample = Source(str(path), path.name, SAMPLE.data)
    found = broken(check_processor, wrong(items), [sample])
    assert "reading note.txt must work; it raised FileNotFoundError" in found[0]
