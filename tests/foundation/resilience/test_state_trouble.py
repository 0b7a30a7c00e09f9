"""A state directory that is read-only, full or damaged: calls are made all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.errors import ProviderError, StoreError
from opsvi_cli.foundation.resilience import Resilience
from opsvi_cli.foundation.schema import Resilience as Settings


def _damaged(state: Path) -> Path:
    (state / "breakers.db").write_bytes(b"no database at all, whatever the name says")
    return state


def _in_the_way(state: Path) -> Path:
    (state / "slots").write_text("")
    (state / "breakers.db").mkdir()
    return state


def _nowhere(state: Path) -> Path:
    return Path("/proc/nowhere/opsvi")


@pytest.mark.parametrize("made", [_damaged, _in_the_way, _nowhere])
def test_no_call_ends_over_the_state_of_breakers_and_places(made: Callable[[Path], Path], tmp_path: Path) -> None:
    resilience = Resilience(Settings(retries=0, breaker_failures=1), made(tmp_path))
    assert resilience.call("a@host:1", lambda: 7) == 7
    for _ in range(2):
        with pytest.raises(ProviderError, match="it is down"), resilience.admitted("a@host:1"):
            raise ProviderError("it is down", kind="server")
    resilience.close()


def test_a_rate_limit_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rates.db").write_bytes(b"no database at all, whatever the name says")
    resilience = Resilience(Settings(requests_per_minute=5), tmp_path)
    with pytest.raises(StoreError, match=r"rates\.db is damaged"):
        resilience.wait_for_place("a@host:1")
