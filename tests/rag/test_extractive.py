"""Answers without a model: the shown pieces hold the answer and stand in their source word for word."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from opsvi_cli.rag.context import Context, assemble, estimate_tokens
from opsvi_cli.rag.extractive import MOST_PIECES, extract, question_terms
from opsvi_cli.rag.sentences import pieces
from opsvi_cli.sdk import Hit

DOCUMENTS = {
    "/oncall.md": (
        "On-call rota",
        "# On call\n\nThe platform team shares the duty.\n\n"
        "| Day | Primary | Phone |\n|---|---|---|\n"
        "| Sat | Jin Park | 0105 |\n| Sunday | Mara Lind | 0106 |\n| Monday | Tom Reyes | 0101 |\n",
    ),
    "/backup.md": (
        "Backup policy",
        "## Retention\n\nFull backups run every night at 02:00. They are kept for 35 days.\n\n"
        "Restores are tested each quarter by the storage team.\n",
    ),
    "/mail.eml": (
        "Re: who has the keys?",
        "From: Ana Novak <ana@example.org>\nTo: ops@example.org\nSubject: Re: who has the keys?\n\n"
        "Who has the keys to the server room?\nJin keeps them in the safe on floor 2.\n",
    ),
    "/servers.csv": (
        "servers.csv",
        "| host | role | owner | cores |\n| --- | --- | --- | --- |\n"
        "| db-3 | database | Ana Novak | 16 |\n| web-1 | frontend | Jin Park | 8 |\n",
    ),
    "/steps.md": (
        "Restart the queue",
        "To restart the queue:\n\n1. Stop the workers.\n2. Run `queuectl drain`.\n3. Start the workers.\n",
    ),
}


def hits(documents: dict[str, tuple[str, str]] = DOCUMENTS) -> list[Hit]:
    return [
        Hit(rank, 1 - rank / 10, text, source, source, source, title, None, None, 0, len(text))
        for rank, (source, (title, text)) in enumerate(documents.items(), 1)
    ]


CONTEXT: Context = assemble(hits())


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("who is on call on Sundays?", "Mara Lind"),
        ("who is on call on Saturday?", "Jin Park"),
        ("what is the retention period for backups?", "kept for 35 days"),
        ("when do the backups run?", "02:00"),
        ("who owns web-1?", "Jin Park"),
        ("how many cores has db-3?", "16"),
        ("who has the keys to the server room?", "Jin keeps them"),
        ("who tests restores?", "storage team"),
        ("how do I drain the queue?", "queuectl drain"),
    ],
)
def test_first_piece_holds_the_answer(question: str, wanted: str) -> None:
    picks = extract(question, CONTEXT.sources)
    assert picks
    assert wanted in picks[0].text
    assert len(picks) <= MOST_PIECES
    for pick in picks:
        assert pick.text in DOCUMENTS[pick.source.source][1]


@pytest.mark.parametrize("question", ["what is the capital of France?", "zzz", "???", ""])
def test_no_answer_is_better_than_an_unrelated_one(question: str) -> None:
    assert extract(question, CONTEXT.sources) == []


def test_a_follow_up_replaces_the_day_of_the_question_before() -> None:
    picks = extract("and on Mondays?", CONTEXT.sources, background="who is on call on Sundays?")
    assert "Tom Reyes" in picks[0].text
    assert not any("Sunday" in pick.text for pick in picks)
    assert "sunday" not in question_terms("and on Mondays?", "who is on call on Sundays?")


def test_likeness_of_vectors_finds_what_words_do_not() -> None:
    def similarity(question: str, texts: Sequence[str]) -> list[float]:
        return [0.9 if "35 days" in text else 0.1 for text in texts]

    question = "when may snapshots vanish?"
    assert not any("35 days" in pick.text for pick in extract(question, CONTEXT.sources))
    assert "35 days" in extract(question, CONTEXT.sources, similarity=similarity)[0].text


def test_overlapping_passages_become_one_source_with_its_text_unchanged() -> None:
    text = "Alpha beta gamma. Delta epsilon zeta. Eta theta iota."
    first = Hit(2, 0.5, text[0:36], "/d", "d", "c1", "t", 1, None, 0, 36)
    second = Hit(1, 0.9, text[18:], "/d", "d", "c2", "t", 2, None, 18, len(text))
    other = Hit(3, 0.1, "Else.", "/e", "e", "c3", "t", None, None, 0, 5)
    merged, alone = assemble([second, first, other]).sources
    assert (merged.n, merged.text) == (1, text)
    assert (alone.n, alone.text) == (3, "Else.")
    late = merged.hit_at(text.index("theta"))
    assert late is not None
    assert late.page == 2


def test_context_keeps_within_its_tokens_and_says_what_it_lost() -> None:
    long = {f"/{n}": (f"t{n}", f"Sentence number {n}. " * 100) for n in range(4)}
    context = assemble(hits(long), tokens=800)
    assert sum(estimate_tokens(source.text) for source in context.sources) <= 800
    assert context.cut == (2,)
    assert context.dropped == (3, 4)
    assert context.sources[1].text.endswith(".")


def test_piped_text_comes_last_and_is_kept_first() -> None:
    context = assemble(hits(), "The gate code is 4711.", tokens=60)
    assert [source.source for source in context.sources] == ["stdin"]
    assert assemble(hits(), "x").sources[-1].n == len(DOCUMENTS) + 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ask Dr. J. Smith, e.g. today. He knows.", ["Ask Dr. J. Smith, e.g. today.", "He knows."]),
        ("It grew by 3.5 km. Then v1.2.3 came.", ["It grew by 3.5 km.", "Then v1.2.3 came."]),
        ("Kept for 35 days. [1] Next one.[2]", ["Kept for 35 days. [1]", "Next one.[2]"]),
        ("wrapped over\ntwo lines. End", ["wrapped over\ntwo lines.", "End"]),
        ("- one. Two.\n- three", ["- one.", "Two.", "- three"]),
        ("```\na. B. c\n```", ["```\na. B. c\n```"]),
        ("日本語。テスト。", ["日本語。", "テスト。"]),
        ("From: a\nTo: b", ["From: a", "To: b"]),
        ("Really?! Yes… No.", ["Really?!", "Yes…", "No."]),
        ("", []),
    ],
)
def test_pieces(text: str, wanted: list[str]) -> None:
    assert [text[piece.start : piece.end] for piece in pieces(text, whole_items=False)] == wanted
