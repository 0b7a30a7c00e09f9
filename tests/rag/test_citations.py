"""The citation check: a table of sentences that are, and are not, supported by two sources."""

from __future__ import annotations

import pytest

from opsvi_cli.rag.citations import best_quote, check_answer, cited_numbers
from opsvi_cli.rag.context import NumberedSource, Span
from opsvi_cli.rag.structured_check import check_values
from opsvi_cli.sdk import Hit

BACKUP = (
    "Full backups run every night at 02:00. They are kept for 35 days.\n"
    "Monthly copies are retained for **thirteen months** in the “Frankfurt” vault.\n"
    "Backups are not sent to other regions. Storage costs 1,200 EUR a month.\n\n"
    "```\nrestic forget --keep-daily 35\n```\n"
)
ONCALL = "| Day | Primary |\n|---|---|\n| Sunday | Mara Lind |\n| Monday | Tom Reyes |\n"


def hit(rank: int, source: str, text: str, page: int | None = None) -> Hit:
    return Hit(rank, 1.0, text, source, source, source, source, page, None, 0, len(text))


def source(n: int, name: str, text: str, page: int | None = None) -> NumberedSource:
    return NumberedSource(n, name, name, text, 1.0, (Span(0, len(text), hit(n, name, text, page)),))


SOURCES = [source(1, "/backup.pdf", BACKUP, 4), source(2, "/oncall.md", ONCALL)]


@pytest.mark.parametrize(
    "answer",
    [
        "Backups are kept for 35 days [1].",
        "Backups are kept for 35 days. [1]",
        "Backups are kept for 35 days.[1]",
        "Full backups run at 2:00 every night [1]. Mara Lind is the primary on Sunday [2].",
        "Full backups run nightly [1], and Mara Lind is primary on Sunday [2].",
        'The policy says "they are kept for 35 days" [1].',
        "The policy says “monthly copies are retained for thirteen months” [1].",
        'It reads "Full backups run every night ... They are kept for 35 days" [1].',
        "Monthly copies are retained for 13 months in the Frankfurt vault [1].",
        "Storage costs 1200 EUR a month [1].",
        "Backups are not sent to other regions [1].",
        "The sources do not answer this.",
        "I don't know.",
        "Hello! Backups are kept for 35 days [1]. Let me know if you need more.",
        "Here is what the policy says:\n\n- Full backups run every night [1].\n- They are kept for 35 days [1].",
        "# Backups\n\nFull backups run every night at 02:00 [1].",
        "| Day | Primary |\n|---|---|\n| Sunday | Mara Lind [2] |",
        "Full backups run every night [1]:\n\n```\nrestic forget --keep-daily 35\n```",
        "Full backups run every night 【1】.",
        "Full backups run every night [1, 2].",
    ],
)
def test_supported(answer: str) -> None:
    check = check_answer(answer, SOURCES)
    assert check.problems == ()
    assert check.supported


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("Backups are kept for 35 days.", "cites no source"),
        ("Backups are kept for 35 days [7].", "cites [7], which does not exist"),
        ("Backups are kept for 90 days [1].", "says 90, which is not in [1]"),
        ("Backups are kept for 35 days [2].", "says 35, which is not in [2]"),
        ("The primary on Sunday is Bob Stone [2].", "names Bob, Stone"),
        ('The policy says "backups are kept for ever" [1].', "quotes words that do not stand in [1]"),
        ("Penguins waddle across antarctic ice shelves [1].", "has little in common with [1]"),
        ("Backups are sent to other regions [1].", "seems to say the opposite of [1]"),
        ("I don't know, but it is 90 days.", "cites no source"),
        ("Run this [1]:\n\n```\nrm -rf /\n```", "shows code that stands in no source"),
        ("- Full backups run every night [1].\n- Tapes are stored underground.", "sentence 2 cites no source"),
    ],
)
def test_unsupported(answer: str, problem: str) -> None:
    check = check_answer(answer, SOURCES)
    assert not check.supported
    assert any(problem in found for found in check.problems), check.problems
    assert len(check.unsupported) == 1


def test_citation_carries_page_and_a_quote_that_stands_in_the_source() -> None:
    (citation,) = check_answer("Backups are kept for 35 days [1].", SOURCES).citations
    assert (citation.n, citation.source, citation.page, citation.supported) == (1, "/backup.pdf", 4, True)
    assert citation.quote == "They are kept for 35 days."
    assert citation.quote in BACKUP


def test_missing_source_is_an_unsupported_citation() -> None:
    (citation,) = check_answer("Backups are kept [7].", SOURCES).citations
    assert (citation.n, citation.source, citation.quote, citation.supported) == (7, "", "", False)


def test_page_is_that_of_the_passage_that_holds_the_quote() -> None:
    first, second = "The office opens at nine.\n", "The vault closes at noon."
    joined = NumberedSource(
        1,
        "/a.pdf",
        "a",
        first + second,
        1.0,
        (
            Span(0, len(first), hit(1, "/a.pdf", first, 1)),
            Span(len(first), len(first + second), hit(2, "/a.pdf", second, 2)),
        ),
    )
    (citation,) = check_answer("The vault closes at noon [1].", [joined]).citations
    assert citation.page == 2


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a [1][3]", [1, 3]),
        ("a [1, 2]", [1, 2]),
        ("a [1-3]", [1, 2, 3]),
        ("a[2]", [2]),
        ("see [1](http://x) and `a[5]`", []),
        ("no [x] or [1a]", []),
        ("【2†source】", [2]),
        ("[99999999999-1]", [99999999999, 1]),
    ],
)
def test_cited_numbers(text: str, numbers: list[int]) -> None:
    assert cited_numbers(text) == numbers


def test_best_quote_of_a_long_line_is_cut_but_stands_in_the_source() -> None:
    long = source(1, "/x", "word " * 400)
    quote, offset = best_quote("word", long)
    assert len(quote) <= 300
    assert long.text[offset : offset + len(quote)] == quote


def test_structured_answers_are_held_against_the_sources_value_by_value() -> None:
    schema = {"type": "object", "properties": {"kind": {"enum": ["daily", "weekly"]}}}
    check = check_values(
        '{"kind": "daily", "days": 35, "primary": "Mara Lind", "moon": "Tranquility", "ok": true}', schema, SOURCES
    )
    assert check.unsupported == ("Tranquility",)
    assert {citation.n for citation in check.citations} == {1, 2}
    assert not check_values("{", schema, SOURCES).supported


def test_problems_are_said_in_a_few_lines() -> None:
    answer = "Penguins waddle.\nWhales sing.\n\n" + "\n".join(f"- Item {n} [1]." for n in range(100, 130))
    check = check_answer(answer, SOURCES)
    lines = check.lines()
    assert lines[-1] == "sentences 1, 2 cite no source"
    assert lines[-2] == "20 more sentences have no support"
    assert len(lines) == 12
    assert len(check.problems) == 32
    assert check.lines(uncited=False)[-1] == "20 more sentences have no support"
