"""Candidates in order: the next one is tried when one cannot answer and nothing of its answer was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from opsvi_cli.errors import OpsviError

C = TypeVar("C")
E = TypeVar("E")


def first_that_answers(
    candidates: Sequence[C],
    answer: Callable[[C], Iterator[E]],
    may_pass_on: Callable[[OpsviError], bool],
    switched: Callable[[C, C, OpsviError], None],
    able: Callable[[C], bool] = lambda _candidate: True,
) -> Iterator[tuple[C, E]]:
    """Events of the first candidate that gives one, each with its candidate.

    `may_pass_on(error)` says whether another candidate could do better, `able` whether this one can be asked at all;
    `switched(from, to, error)` is told. The error of the last one that was asked is raised; after a first event every
    error is.
    """
    others = iter(candidates)
    candidate = next(others)
    while True:
        started = False
        events = answer(candidate)
        try:
            for event in events:
                started = True
                yield candidate, event
            return
        except OpsviError as error:
            following = None if started or not may_pass_on(error) else next(filter(able, others), None)
            if following is None:
                raise
            switched(candidate, following, error)
            candidate = following
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
