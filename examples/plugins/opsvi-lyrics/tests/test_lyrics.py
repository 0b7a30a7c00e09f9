"""The processor alone, through opsvi, and against its contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opsvi_lyrics import processor
from opsvi_lyrics.processor import Line, Lyrics, parse

from opsvi_cli.sdk import DocumentError, Source
from opsvi_cli.testing import check_processor

SONG = (Path(processor.__file__).parent / "samples" / "harbour.lrc").read_text()


def source(data: str | bytes) -> Source:
    return Source("/song.lrc", "song.lrc", data.encode() if isinstance(data, str) else data)


def test_lines_stand_in_the_order_of_the_song() -> None:
    tags, lines = parse(SONG)
    assert tags == {"title": "The Harbour Song", "artist": "The Night Shift"}
    assert [line for line in lines if line.text] == [
        Line(10.0, "Harbour lights are low tonight"),
        Line(13.5, "Rotate the logs and go"),
        Line(40.0, "Sing it once, sing it twice"),
        Line(60.0, "The tide is coming in"),
        Line(70.0, "Sing it once, sing it twice"),
    ]


def test_a_document_has_stanzas_times_and_metadata(opsvi_services: Callable[..., Any]) -> None:
    (document,) = Lyrics(opsvi_services()).read(source(SONG))
    assert document.title == "The Harbour Song"
    assert document.metadata == {"title": "The Harbour Song", "artist": "The Night Shift", "seconds": 70.0}
    assert document.text.split("\n\n")[0] == ("[00:10] Harbour lights are low tonight\n[00:13] Rotate the logs and go")
    (document,) = Lyrics(opsvi_services(times=False)).read(source(SONG))
    assert "[00:" not in document.text


@pytest.mark.parametrize("data", ["", "just words\n", "[ti:Only a title]\n", "[00:01.00]\n"])
def test_a_file_without_a_sung_line_is_refused(data: str, opsvi_services: Callable[..., Any]) -> None:
    with pytest.raises(DocumentError, match="no line with a time"):
        list(Lyrics(opsvi_services()).read(source(data)))


def test_old_encodings_are_read(opsvi_services: Callable[..., Any]) -> None:
    (document,) = Lyrics(opsvi_services()).read(source("[00:01.00]Café".encode("cp1252")))
    assert document.text == "[00:01] Café\n"


def test_the_contract(opsvi_services: Callable[..., Any]) -> None:
    check_processor(Lyrics(opsvi_services()), [source(SONG)])


def test_opsvi_reads_and_finds_a_song(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "song.lrc").write_text(SONG)
    assert opsvi("ingest", "song.lrc", cwd=tmp_path).code == 0
    (hit, *_) = opsvi("search", "harbour lights", "-k", "1", "--json").json
    assert hit["title"] == "The Harbour Song"
    assert "[00:10] Harbour lights" in hit["text"]
    assert opsvi("search", "tide", "--where", 'artist == "The Night Shift"', "--json").json
