"""The breaker: closed, open, half-open, shared between processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.errors import CredentialsError, DeadlineError, ProviderError
from opsvi_cli.foundation.resilience import Resilience
from opsvi_cli.foundation.resilience.breaker import BreakerOpenError, Breakers
from opsvi_cli.foundation.schema import Resilience as Settings


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_states(tmp_path: Path) -> None:
    clock = Clock()
    breakers = Breakers(tmp_path / "b.db", failures=3, seconds=30, clock=clock)
    for _ in range(2):
        breakers.admit("a")
        breakers.failed("a", "no answer")
    breakers.admit("a")
    breakers.succeeded("a")
    for _ in range(3):
        breakers.admit("a")
        breakers.failed("a", "no answer")
    with pytest.raises(BreakerOpenError, match=r"a failed 3 times in a row and is left alone for 30 s: no answer"):
        breakers.admit("a")
    breakers.admit("b")
    assert breakers.open_keys() == [("a", 30.0, "no answer")]
    clock.now += 29
    with pytest.raises(BreakerOpenError, match="1 s"):
        breakers.admit("a")
    clock.now += 1
    breakers.admit("a")  # half-open: this one may try
    with pytest.raises(BreakerOpenError):
        breakers.admit("a")  # and no other
    breakers.failed("a", "again")
    clock.now += 29
    with pytest.raises(BreakerOpenError, match="again"):
        breakers.admit("a")
    clock.now += 1
    breakers.admit("a")
    breakers.succeeded("a")
    breakers.admit("a")
    breakers.admit("a")
    assert breakers.open_keys() == []
    breakers.close()


def test_a_trial_that_says_nothing_frees_the_next(tmp_path: Path) -> None:
    clock = Clock()
    breakers = Breakers(tmp_path / "b.db", failures=1, seconds=30, clock=clock)
    breakers.failed("a", "x")
    clock.now += 30
    breakers.admit("a")
    breakers.released("a")
    breakers.admit("a")
    clock.now += 30  # the caller was killed
    breakers.admit("a")
    breakers.close()


def test_a_clock_that_is_set_back_does_not_lock_for_ever(tmp_path: Path) -> None:
    clock = Clock()
    breakers = Breakers(tmp_path / "b.db", failures=1, seconds=30, clock=clock)
    breakers.failed("a", "x")
    clock.now -= 10_000
    with pytest.raises(BreakerOpenError, match="30 s"):
        breakers.admit("a")
    breakers.close()


def test_no_file_before_a_failure_and_a_private_one_after(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    breakers = Breakers(path, failures=1, seconds=30)
    breakers.admit("a")
    breakers.succeeded("a")
    assert not path.exists()
    breakers.failed("a", "x")
    assert path.stat().st_mode & 0o777 == 0o600
    breakers.close()


_FAIL = """
import sys
from pathlib import Path
from opsvi_cli.foundation.resilience.breaker import Breakers
Breakers(Path(sys.argv[1]), 4, 30).failed("a", "seen by another process")
"""


def test_processes_share_the_count(tmp_path: Path, process: Callable[..., Any]) -> None:
    path = tmp_path / "b.db"
    children = [process(_FAIL, path) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    breakers = Breakers(path, 4, 30)
    with pytest.raises(BreakerOpenError, match="seen by another process"):
        breakers.admit("a")
    breakers.close()


def failing(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_which_failures_count(tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=0, breaker_failures=2), tmp_path)
    harmless = (
        CredentialsError("no key"),
        ProviderError("slow down", kind="rate"),
        ProviderError("no such model", kind="not-found"),
        DeadlineError("over"),
        KeyError("bug"),
    )
    for error in harmless * 2:
        with pytest.raises(type(error)):
            resilience.call("a", failing(error))
    assert resilience.call("a", lambda: 7) == 7
    for kind in ("server", "timeout"):
        with pytest.raises(ProviderError):
            resilience.call("a", failing(ProviderError("down", kind=kind)))
    called: list[int] = []
    with pytest.raises(BreakerOpenError):
        resilience.call("a", lambda: called.append(1))
    assert called == []
    resilience.close()


def test_zero_turns_it_off(tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=0, breaker_failures=0), tmp_path)
    for _ in range(3):
        with pytest.raises(ProviderError, match="down"):
            resilience.call("a", failing(ProviderError("down", kind="server")))
    resilience.close()


def test_threads_share_it(tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=0, breaker_failures=100), tmp_path)

    def call(number: int) -> int:
        if number % 2:
            with pytest.raises(ProviderError):
                resilience.call("a", failing(ProviderError("down", kind="server")))
            return 0
        return resilience.call("a", lambda: 1)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(call, range(40))) == 20
    resilience.close()
