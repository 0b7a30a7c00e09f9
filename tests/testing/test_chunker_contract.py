"""`check_chunker` bites: one wrong chunker for each promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from random import Random
from typing import Any

import pytest

from opsvi_cli.sdk import Document
from opsvi_cli.testing import check_chunker


class Lines:
    """A span for each line that is not blank."""

    fingerprint = "lines-1"

    def spans(self, document: Document) -> Iterable[Any]:
        start = 0
        for line in document.text.splitlines(keepends=True):
            if line.strip():
                yield start, start + len(line)
            start += len(line)


def test_a_good_one() -> None:
    check_chunker(Lines())


def _changed(change: Callable[[list[Any], Document], Any]) -> Lines:
    class Wrong(Lines):
        def spans(self, document: Document) -> Any:
            return change(list(super().spans(document)), document)

    return Wrong()


def _fails_when_empty(spans: list[Any], _document: Document) -> Any:
    return [spans[0], *spans[1:]]


_random = Random(1)

WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (lambda *_: [], "a document with words must give a span; prose gave none"),
    "backwards": (lambda spans, _: spans[::-1], "spans must be in ascending order; Markdown with headings gave"),
    "twice": (lambda spans, _: [*spans, *spans[-1:]], "spans must be in ascending order"),
    "outside": (lambda spans, d: [(a, b + 1) for a, b in spans], "a span must be inside the text and not empty"),
    "before": (lambda spans, _: [(a - 1, b) for a, b in spans], "a span must be inside the text and not empty"),
    "empty": (lambda spans, _: [(a, a) for a, _b in spans], "a span must be inside the text and not empty"),
    "blank": (
        lambda spans, d: [(0, 2), *spans] if d.text[:2] == "\n " else spans,
        "no span may be blank; blank lines around words gave (0, 2)",
    ),
    "all of it": (lambda _spans, d: [(0, len(d.text))], "no span may be blank; a blank document gave (0, 1)"),
    "for ever": (lambda spans, _: repeat(spans[0]) if spans else [], "spans must end; prose gave"),
    "lists": (lambda spans, _: [[a, b] for a, b in spans], "a span must be a tuple of two whole numbers; prose gave"),
    "fractions": (lambda spans, _: [(a / 1, b) for a, b in spans], "a span must be a tuple of two whole numbers"),
    "blank documents": (
        lambda spans, d: spans or [(0, 1)],
        "a blank document must give no span; '' gave [(0, 1)]",
    ),
    "triples": (lambda spans, _: [(a, b, 1) for a, b in spans], "a span must be a tuple of two whole numbers"),
    "never the same": (
        lambda spans, _: [(a, b - _random.randint(0, 3)) for a, b in spans if b - a > 3],
        "a document must give the same spans again; prose gave others",
    ),
    "fails when empty": (_fails_when_empty, "cutting a blank document must work; it raised IndexError"),
    "nothing at all": (lambda *_: None, "cutting prose must work; it raised TypeError"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_spans(name: str, broken: Callable[..., Any]) -> None:
    change, words = WRONG[name]
    found = broken(check_chunker, _changed(change))
    assert any(words in sentence for sentence in found), found


@pytest.mark.parametrize("value", ["", 3, None])
def test_wrong_fingerprints(value: Any, broken: Callable[..., Any]) -> None:
    (found,) = broken(check_chunker, type("Wrong", (Lines,), {"fingerprint": value})())
    assert found.startswith("`fingerprint` must be a text")


def test_a_fingerprint_that_changes(broken: Callable[..., Any]) -> None:
    class Restless(Lines):
        uses = 0

        @property
        def fingerprint(self) -> str:  # type: ignore[override]
            return f"lines-{self.uses}"

        def spans(self, document: Document) -> Iterable[Any]:
            self.uses += 1
            return super().spans(document)

    (found,) = broken(check_chunker, Restless())
    assert found.startswith("`fingerprint` must stay the same while it is used")
