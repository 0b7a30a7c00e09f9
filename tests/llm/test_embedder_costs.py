"""Embedders that are paid: in usage, with a cost, and held to the budgets, whichever command embeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
# A dollar for a token.
PRICES = '[providers.openai.prices]\n"m" = {input = 1000000, output = 0}\n'


@pytest.fixture
def paid(opsvi: Run, fault_server: Any, home: Path) -> Run:
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text(PRICES)

    def call(*args: str, fault: str = "ok", **env: str) -> Any:
        values = {
            "OPSVI_EMBEDDER": "openai",
            "OPSVI_PARTS__OPENAI__API_KEY": "env:K",
            "OPSVI_PARTS__OPENAI__BASE_URL": fault_server.url(fault),
            "OPSVI_PARTS__OPENAI__MODEL": "m",
            "OPSVI_PARTS__OPENAI__DIMENSIONS": "3",
            "OPSVI_RESILIENCE__RETRIES": "0",
            "K": "k-0123456789",
        }
        return opsvi(*args, env={**values, **env})

    return call


def used(run: Run, by: str = "command") -> dict[str, Any]:
    return {row[by]: row for row in run("usage", "--by", by, "--json").json["rows"]}


def test_every_command_that_embeds_is_counted(paid: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Backups run at night.")
    assert paid("embed", "eight ch", "four").code == 0
    assert paid("ingest", "a.txt").code == 0
    assert paid("search", "backups").code == 0
    found = used(paid)
    assert set(found) == {"embed", "ingest", "search"}
    assert (found["embed"]["calls"], found["embed"]["input_tokens"], found["embed"]["cost"]) == (1, 3, 3.0)
    assert all(row["cost"] > 0 and row["estimated"] for row in found.values())
    assert list(used(paid, "model")) == ["openai/m"]
    again = paid("embed", "eight ch", "four")
    assert again.code == 0
    assert used(paid)["embed"]["calls"] == 1, "what is in the cache is not asked for again"


def test_a_failed_call_costs_nothing(paid: Run) -> None:
    assert paid("embed", "x", fault="500-forever").code == 1
    (row,) = used(paid).values()
    assert (row["calls"], row["failed"], row["cost"], row["input_tokens"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("limit", ["RUN", "DAY"])
def test_budgets_hold(paid: Run, tmp_path: Path, fault_server: Any, limit: str) -> None:
    (tmp_path / "a.txt").write_text("Backups run at night.")
    small = {f"OPSVI_BUDGET__PER_{limit}": "2"}
    for args in (("embed", "more than two tokens"), ("ingest", "a.txt")):
        done = paid(*args, **small)
        assert (done.code, done.out) == (5, ""), done.err
        assert f"the budget of this {limit.lower()} would be passed" in done.err
        assert "openai/m would cost about $" in done.err
    assert fault_server.requests == []
    assert paid("ingest", "a.txt").code == 0
    assert paid("search", "more than two tokens", **small).code == 5
    assert paid("search", "backups", "--mode", "keyword", **small).code == 0


def test_an_ingest_that_stops_says_what_is_stored(paid: Run, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(70):
        (tmp_path / "many" / f"{number:03}.txt").write_text(f"document {number:03}")
    paid("ingest", "many/000.txt", "-c", "one")
    one = used(paid)["ingest"]["cost"]
    stopped = paid("ingest", "many", OPSVI_BUDGET__PER_RUN=str(66 * one))
    assert stopped.code == 5
    assert "64 documents are stored, the same command goes on from there" in stopped.err
    assert paid("ingest", "many", "--json").json["counts"]["added"] == 6


def test_the_settings_of_the_part_say_whether_it_is_free(paid: Run) -> None:
    """A chat model's server of one's own says nothing of the embedder's, which wants a key here."""
    own = {"OPSVI_PROVIDERS__OPENAI__BASE_URL": "http://127.0.0.1:9", "OPSVI_PARTS__OPENAI__MODEL": "unpriced"}
    paid("embed", "x", **own)
    assert used(paid, "model")["openai/unpriced"]["cost"] is None
    paid("embed", "y", **own, OPSVI_PARTS__OPENAI__API_KEY="")
    assert used(paid, "model")["openai/unpriced"]["unknown_cost"] == 1


def test_personal_data_does_not_leave_for_vectors(paid: Run, tmp_path: Path, fault_server: Any) -> None:
    (tmp_path / "a.txt").write_text("Backups run at night.")
    paid("ingest", "a.txt")
    asked = len(fault_server.requests)
    for args in (("search", "mail ana@example.org"), ("embed", "mail ana@example.org")):
        done = paid(*args, OPSVI_SAFETY__PII="block")
        assert (done.code, done.out) == (1, "")
        assert "the text to embed holds personal data, and nothing was sent: 1 x e-mail address" in done.err
    assert len(fault_server.requests) == asked
    warned = paid("search", "mail ana@example.org", OPSVI_SAFETY__PII="warn")
    assert "(`opsvi config set safety.pii redact` takes it out)" in warned.err
    sent = len(fault_server.requests)
    row = paid("embed", "mail ana@example.org", "--json", OPSVI_SAFETY__PII="redact").json[0]
    assert row["text"] == "mail ana@example.org"
    assert "mail [EMAIL_1]" in str(fault_server.requests[sent:])
    assert "ana@example.org" not in str(fault_server.requests[sent:])
