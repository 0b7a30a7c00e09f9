"""The built-in chunkers: exact offsets, full cover, the budget, and where they cut."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsvi_cli.builtin import chunkers
from opsvi_cli.builtin.chunkers import Fixed, Markdown, Paragraph, Recursive, Sentence
from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import Document, Page, Section

ALL = (Recursive, Markdown, Paragraph, Sentence, Fixed)


def make(kind: Any, size: int = 1000, overlap: int = 0) -> Any:
    options = {"size": size, "overlap": overlap}
    return kind(SimpleNamespace(name=kind.__name__.lower(), options=options, log=logging.getLogger(), data_dir=Path()))


def texts(kind: Any, text: str, size: int, overlap: int = 0, **fields: Any) -> list[str]:
    return [text[a:b] for a, b in make(kind, size, overlap).spans(Document(text, **fields))]


_BLOCKS = [
    "# H\n",
    "## Sub\n",
    "```\ncode\n```\n",
    "```",
    "- one\n",
    "| a | b |\n",
    "~~~\n",
    "1. num\n",
    "    indented",
]
_WORDS = ["word", "a", "One sentence. Another! ", "x" * 40, "日本語。", "e\u0301", "👨\u200d👩\u200d👧", "🇩🇪🇫🇷"]
PIECES = st.sampled_from([*_BLOCKS, *_WORDS, " ", "\n", "\n\n", "\t", "\r\n"])


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=60),
    size=st.integers(1, 200),
    share=st.floats(0, 0.99),
    kind=st.sampled_from(ALL),
    page=st.integers(0, 300),
)
def test_spans_are_in_budget_ascending_and_cover_everything(
    pieces: list[str], size: int, share: float, kind: Any, page: int
) -> None:
    text = "".join(pieces)
    pages = (Page(1, 0, page), Page(2, page, len(text))) if page < len(text) else ()
    covered: set[int] = set()
    before = (-1, -1)
    for start, end in make(kind, size, int(size * share)).spans(Document(text, pages=pages)):
        assert 0 <= start < end <= len(text)
        assert end - start <= size
        assert text[start:end].strip()
        assert start > before[0]
        assert end > before[1]
        before = (start, end)
        covered.update(range(start, end))
    assert {n for n, char in enumerate(text) if not char.isspace()} <= covered


def test_a_short_text_is_one_chunk() -> None:
    for kind in ALL:
        assert texts(kind, "\n\n  A short note.\n", 100, 20)[0].strip() == "A short note."
        assert texts(kind, " \n\t\n", 100) == []


def test_recursive_cuts_at_headings_when_enough_stands_before() -> None:
    body = "Some words about it. " * 10
    text = f"# One\n\n{body}\n\n# Two\n\n{body}\n"
    found = texts(Recursive, text, 300, 50)
    assert [piece[:5] for piece in found] == ["# One", "# Two"]


def test_recursive_joins_small_sections() -> None:
    text = "".join(f"## Point {n}\n\nShort.\n\n" for n in range(8))
    found = texts(Recursive, text, 400)
    assert len(found) == 1 or all(len(piece) >= 100 for piece in found[:-1])


def test_a_heading_stays_with_its_text() -> None:
    text = "Intro words here. " * 20 + "\n\n## The heading\n\n" + "Body of it. " * 40
    for piece in texts(Recursive, text, 400, 60):
        assert not piece.rstrip().endswith("## The heading")


def test_fenced_code_stays_whole_when_it_fits() -> None:
    code = "```python\n" + "".join(f"line_{n} = {n}\n\n" for n in range(12)) + "```"
    text = "Words before it. " * 20 + f"\n\n{code}\n\n" + "Words after it. " * 20
    for kind in (Recursive, Markdown, Paragraph):
        found = texts(kind, text, 400, 80)
        assert any(code in piece for piece in found), kind
        assert not any(piece.startswith("```\n") for piece in found)


def test_a_hash_in_code_is_no_heading() -> None:
    text = "```sh\n# not a heading\necho\n```\n\n# Heading\n\ntext"
    assert texts(Markdown, text, 1000) == ["```sh\n# not a heading\necho\n```", "# Heading\n\ntext"]


def test_overlap_starts_at_a_sentence_or_word() -> None:
    text = "".join(f"Sentence number {n} is here. " for n in range(60))
    spans = list(make(Recursive, 300, 80).spans(Document(text)))
    assert len(spans) > 4
    for (_, end), (start, _) in pairwise(spans):
        assert 0 < end - start <= 80
        assert text[start:].startswith("Sentence number")


def test_the_last_chunk_is_not_tiny() -> None:
    text = "word " * 202
    sizes = [len(piece) for piece in texts(Recursive, text, 1000)]
    assert len(sizes) == 2
    assert min(sizes) >= 150


def test_pages_are_preferred_and_not_overlapped() -> None:
    first = "First page text goes on. " * 30
    text = first + "Second page begins. " * 30
    pages = (Page(1, 0, len(first)), Page(2, len(first), len(text)))
    spans = list(make(Recursive, 900, 150).spans(Document(text, pages=pages)))
    assert len(first) in [start for start, _ in spans]


def test_sections_without_markdown_headings_count() -> None:
    text = "a " * 200 + "b " * 200
    found = texts(Markdown, text, 1000, sections=(Section(("A",), 1, 0, 400), Section(("B",), 1, 400, 800)))
    assert [piece[0] for piece in found] == ["a", "b"]


def test_markdown_gives_a_chunk_a_section_and_no_bare_heading() -> None:
    text = "# Book\n\n## One\n\nalpha\n\n## Two\n\nbeta\n"
    assert texts(Markdown, text, 1000, 100) == ["# Book\n\n## One\n\nalpha", "## Two\n\nbeta"]


def test_paragraph_keeps_paragraphs_whole() -> None:
    paragraphs = ["Para one. " * 12, "Para two. " * 12, "Para three. " * 12]
    text = "\n\n".join(piece.strip() for piece in paragraphs)
    assert texts(Paragraph, text, 200) == [piece.strip() for piece in paragraphs]


def test_sentence_ends_chunks_at_sentences() -> None:
    text = "This is a sentence. Here comes the next! Is this one? " * 20
    for piece in texts(Sentence, text, 130):
        assert piece[-1] in ".!?"


def test_fixed_takes_size_and_overlap_exactly() -> None:
    text = "abcdefghij" * 10
    assert list(make(Fixed, 30, 10).spans(Document(text))) == [(0, 30), (20, 50), (40, 70), (60, 90), (80, 100)]


@pytest.mark.parametrize("cluster", ["e\u0301", "👨‍👩‍👧", "🇩🇪", "👍🏽", "각"])
def test_hard_cuts_split_no_grapheme(cluster: str) -> None:
    for size in (7, 8, 9, 11, 13):
        for piece in texts(Fixed, cluster * 40, size):
            assert len(piece) % len(cluster) == 0


def test_work_is_linear() -> None:
    """Ten megabytes of what has no good place to cut; quadratic work would not end within the test's time."""
    for text in ("a" * 3_000_000, "```\n" * 700_000, "# a\n" * 500_000, "a" + "\u0301" * 500_000, ". " * 1_000_000):
        assert sum(1 for _ in make(Recursive, 1000, 150).spans(Document(text))) > 100


def test_fingerprint_tells_name_and_options_apart() -> None:
    made = {make(kind, size, 5).fingerprint for kind in ALL for size in (50, 60)}
    assert len(made) == 10
    assert make(Recursive, 50, 5).fingerprint == make(Recursive, 50, 5).fingerprint
    assert str(chunkers.VERSION) in make(Recursive).fingerprint


@pytest.mark.parametrize("options", [{"size": 0}, {"size": "x"}, {"overlap": -1}, {"size": 10, "overlap": 10}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Recursive(SimpleNamespace(name="recursive", options=options))  # type: ignore[arg-type]
