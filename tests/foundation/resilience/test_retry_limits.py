"""Retries, waits that servers ask for, deadlines, rate limits and places, also over processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.errors import DeadlineError, OpsviError, ProviderError
from opsvi_cli.foundation.resilience import Resilience, first_that_answers
from opsvi_cli.foundation.resilience.bulkhead import slot
from opsvi_cli.foundation.resilience.deadline import no_deadline
from opsvi_cli.foundation.resilience.rate import acquire
from opsvi_cli.foundation.schema import Resilience as Settings
from opsvi_cli.sdk import retry_after


class Flaky:
    """Fails with each error in turn, then gives 7."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 7


def down(kind: str = "server", wait: float | None = 0.0) -> ProviderError:
    return ProviderError(f"it is {kind}", kind=kind, retry_after=wait)


def over() -> float | None:
    raise DeadlineError("over")


def test_what_may_pass_is_tried_again(tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=2), tmp_path)
    action = Flaky(down(), down("timeout", None))
    assert resilience.call("a", action) == 7
    assert action.calls == 3
    action = Flaky(*(down() for _ in range(5)))
    with pytest.raises(ProviderError):
        resilience.call("a", action)
    assert action.calls == 3
    for kind in ("quota", "context", "bad-response", "refused", "not-found"):
        action = Flaky(down(kind))
        with pytest.raises(ProviderError):
            resilience.call("a", action)
        assert action.calls == 1
    resilience.close()


def test_a_wait_that_is_too_long_is_not_waited(tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=2, max_wait=5), tmp_path)
    action = Flaky(down("rate", 6.0))
    with pytest.raises(ProviderError):
        resilience.call("a", action)
    assert action.calls == 1
    soon = Resilience(Settings(retries=2, max_wait=60), tmp_path, lambda: 3.0)
    action = Flaky(down("rate", 6.0))
    with pytest.raises(ProviderError):
        soon.call("a", action)
    assert action.calls == 1
    resilience.close()
    soon.close()


def test_the_wait_that_was_asked_for_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    resilience = Resilience(Settings(retries=2, max_wait=60), tmp_path)
    assert resilience.call("a", Flaky(down("rate", 12.5))) == 7
    assert slept == [12.5]
    resilience.close()


def test_retries_are_said_in_the_log_without_arguments(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("test.retries")
    resilience = Resilience(Settings(retries=1), tmp_path, no_deadline, log)
    secret = "sk-never-logged"
    action = Flaky(down())
    with caplog.at_level(logging.DEBUG):
        assert resilience.call("a", lambda: (secret, action())[1]) == 7
    assert "try 1 of 2 failed" in caplog.text
    assert secret not in caplog.text
    assert capsys.readouterr() == ("", "")
    resilience.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Mon, 23 Nov 2026 10:01:00 GMT"}, 60.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "9" * 400}, 1e9),
    ],
)
def test_spellings_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    now = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)
    assert retry_after(headers, now) == seconds


_ACQUIRE = """
import sys, time
from pathlib import Path
from opsvi_cli.foundation.resilience.rate import acquire
for _ in range(4):
    acquire(Path(sys.argv[1]), "a", 3, lambda: None, window_seconds=1.0)
    print(time.time(), flush=True)
"""


def test_processes_share_the_rate_limit(tmp_path: Path, process: Callable[..., Any]) -> None:
    """Never more than 3 in any second, whoever asks; 20 ms are for writing the time down."""
    children = [process(_ACQUIRE, tmp_path / "rates.db") for _ in range(2)]
    times = sorted(float(line) for child in children for line in child.communicate(timeout=60)[0].split())
    assert len(times) == 8
    for first, fourth in zip(times, times[3:], strict=False):
        assert fourth - first > 0.98 - 0.25
    assert times[-1] - times[0] > 1.4
    assert (tmp_path / "rates.db").stat().st_mode & 0o777 == 0o600


def test_the_rate_limit_knows_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "rates.db"
    acquire(path, "a", 1, no_deadline)
    acquire(path, "b'; DROP TABLE x", 1, no_deadline)
    with pytest.raises(DeadlineError):
        acquire(path, "a", 1, over)
    acquire(path, "a", 0, over)


_HOLD = """
import sys
from pathlib import Path
from opsvi_cli.foundation.resilience.bulkhead import slot
with slot(Path(sys.argv[1]), "a", 2, lambda: None):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_processes_share_the_places(tmp_path: Path, process: Callable[..., Any]) -> None:
    children = [process(_HOLD, tmp_path) for _ in range(2)]
    assert [child.stdout.readline() for child in children] == ["in\n", "in\n"]
    with pytest.raises(DeadlineError), slot(tmp_path, "a", 2, over):
        pytest.fail("there is no third place")
    with slot(tmp_path, "b", 2, over), slot(tmp_path, "a", 3, over), slot(tmp_path, "a", 0, over):
        pass
    children[0].kill()  # the kernel frees the place
    children[0].wait()
    with slot(tmp_path, "a", 2, no_deadline):
        pass


def test_the_first_candidate_that_answers() -> None:
    closed: list[str] = []
    switches: list[tuple[str, str]] = []

    def answer(name: str) -> Iterator[str]:
        try:
            if name.startswith("down"):
                raise down()
            if name == "refused":
                raise down("refused")
            yield f"{name} 1"
            if name == "half":
                raise down()
            yield f"{name} 2"
        finally:
            closed.append(name)

    def run(*names: str) -> list[tuple[str, str]]:
        events = first_that_answers(
            names,
            answer,
            lambda error: isinstance(error, ProviderError) and error.retryable,
            lambda a, b, error: switches.append((a, b)),
        )
        seen: list[tuple[str, str]] = []
        try:
            for event in events:
                seen.append(event)
        except OpsviError as error:
            seen.append(("error", str(error)))
        return seen

    assert run("down", "up") == [("up", "up 1"), ("up", "up 2")]
    assert switches == [("down", "up")]
    assert run("half", "up") == [("half", "half 1"), ("error", "it is server")]
    assert run("refused", "up") == [("error", "it is refused")]
    assert run("down", "down2") == [("error", "it is server")]
    assert closed == ["down", "up", "half", "refused", "down", "down2"]


def test_closing_closes_the_candidate() -> None:
    closed: list[int] = []

    def answer(name: str) -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(1)

    events = first_that_answers(["a"], answer, lambda error: True, lambda a, b, error: None)
    assert next(events) == ("a", 1)
    events.close()  # type: ignore[attr-defined]
    assert closed == [1]
