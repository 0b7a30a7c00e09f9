"""`plugins check` of a plugin that lives in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("zoo")
def test_its_parts_are_held_to_their_contracts_over_the_pipe(opsvi: Callable[..., Any]) -> None:
    done = opsvi("plugins", "check", "zoo", "--json")
    found = {row["check"]: (row["status"], row["detail"]) for row in done.json}
    assert found["loads"] == ("ok", "opsvi-zoo 1.0, from an environment of its own")
    for check in ("imports", "effects"):
        assert found[check] == ("skipped", "it is imported in its own environment only")
    for part in ("embedder:zoo", "store:zoo", "chunker:zoo", "reranker:zoo", "agent_adapter:zoo"):
        assert found[part][0] == "ok", found[part]
