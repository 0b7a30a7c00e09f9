"""`broken`: the sentences of a suite about a part that breaks its contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.testing import ContractError

Broken = Callable[..., tuple[str, ...]]


@pytest.fixture
def broken() -> Broken:
    """`broken(check_x, part, ...)`: runs the suite, which must raise, and gives its sentences."""

    def call(suite: Callable[..., None], *args: Any, **named: Any) -> tuple[str, ...]:
        with pytest.raises(ContractError) as caught:
            suite(*args, **named)
        assert all("\n" not in sentence for sentence in caught.value.broken)
        return caught.value.broken

    return call
