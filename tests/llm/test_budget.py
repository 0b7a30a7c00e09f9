"""Budgets: a call that would pass the limit is not made; what was spent counts, over runs and processes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import BudgetError, ExitCode
from opsvi_cli.llm.calls import ModelChoice, complete, stream_answer
from opsvi_cli.sdk import Finish, Message

ASK = [Message("user", "hello there")]
# The fault server counts 7 and 5 tokens: 7 * 1000 + 5 * 2000 = 0.017 dollars a call.
PRICES = '[providers.openai.prices]\n"m" = {input = 1000, output = 2000}\n'


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Callable[..., AppContext]:
    def make(**env: str) -> AppContext:
        file = home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PRICES)
        values = {**os.environ, "OPENAI_API_KEY": "sk-budget-0123456789", **env}
        return AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=values, cwd=str(tmp_path))

    return make


def ask(app: AppContext, url: str, model: str = "m", max_tokens: int | None = 5) -> Finish:
    return complete(app, ModelChoice("openai", model, url), ASK, max_tokens=max_tokens)[1]


def test_a_run_stops_before_it_passes_the_limit(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app(OPSVI_BUDGET__PER_RUN="0.05")
    url = fault_server.url("ok")
    for _ in range(2):
        ask(context, url)
    assert context.foundation.usage.spent == pytest.approx(0.034)
    with pytest.raises(BudgetError) as caught:
        ask(context, url)
    assert caught.value.exit_code == ExitCode.BUDGET == 5
    assert "$0.0340 spent of $0.0500" in caught.value.message
    assert "openai/m would cost about $0.017" in caught.value.message
    assert "--max-cost" in caught.value.hint
    assert fault_server.count("ok") == 2
    assert context.foundation.usage.pending == 0


def test_without_max_tokens_a_typical_answer_is_thought_of(app: Callable[..., AppContext], fault_server: Any) -> None:
    with pytest.raises(BudgetError, match=r"about \$2\.0"):
        ask(app(OPSVI_BUDGET__PER_RUN="1"), fault_server.url("ok"), max_tokens=None)
    assert fault_server.requests == []


def test_the_day_is_that_of_all_processes(app: Callable[..., AppContext], fault_server: Any) -> None:
    url = fault_server.url("ok")
    for _ in range(2):
        ask(app(OPSVI_BUDGET__PER_DAY="0.05"), url)
    with pytest.raises(BudgetError, match=r"budget of this day .* \$0\.0340 spent"):
        ask(app(OPSVI_BUDGET__PER_DAY="0.05"), url)


def test_a_day_that_cannot_be_read_spends_nothing(
    app: Callable[..., AppContext], fault_server: Any, home: Path
) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "state.db").write_bytes(b"x" * 5000)
    with pytest.raises(BudgetError, match="cannot be read"):
        ask(app(OPSVI_BUDGET__PER_DAY="9"), fault_server.url("ok"))
    assert ask(app(OPSVI_BUDGET__PER_RUN="9"), fault_server.url("ok")).reason == "stop"


def test_calls_at_the_same_time_count_together(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app(OPSVI_BUDGET__PER_RUN="0.03")
    choice = ModelChoice("openai", "m", fault_server.url("ok"))
    first = stream_answer(context, choice, ASK, max_tokens=5)
    next(first)
    with pytest.raises(BudgetError):
        ask(context, choice.base_url)
    first.close()
    assert context.foundation.usage.pending == 0


def test_a_call_under_way_in_another_process_counts(app: Callable[..., AppContext], fault_server: Any) -> None:
    choice = ModelChoice("openai", "m", fault_server.url("ok"))
    limit = {"OPSVI_BUDGET__PER_DAY": "0.03"}
    first = stream_answer(app(**limit), choice, ASK, max_tokens=5)
    next(first)
    with pytest.raises(BudgetError, match="budget of this day"):
        ask(app(**limit), choice.base_url)
    first.close()
    assert ask(app(**limit), choice.base_url).reason == "stop"


def test_an_unknown_price(app: Callable[..., AppContext], fault_server: Any) -> None:
    choice = ModelChoice("acme", "", "")
    assert choice.name == "acme"
    url = fault_server.url("ok").replace("127.0.0.1", "localhost")
    config = {"OPSVI_BUDGET__PER_RUN": "0.01", "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY"}
    allowed = app(**config)
    ask(allowed, url, "of-nobody")
    ask(allowed, url, "of-nobody")
    said = allowed.err.getvalue()  # type: ignore[attr-defined]
    assert said.count("the price of openai/of-nobody is not known") == 1
    assert [row.cost for row in allowed.foundation.usage.rows()] == [None, None]
    with pytest.raises(BudgetError, match="openai/of-nobody is not known") as caught:
        ask(app(**config, OPSVI_BUDGET__UNKNOWN_PRICE="refuse"), url, "of-nobody")
    assert 'providers.openai.prices."of-nobody"' in caught.value.hint


def test_free_models_go_on(app: Callable[..., AppContext]) -> None:
    context = app(OPSVI_BUDGET__PER_RUN="0.000001", OPSVI_BUDGET__UNKNOWN_PRICE="refuse")
    assert complete(context, ModelChoice("echo", ""), ASK)[0] == "hello there"


def test_a_cut_answer_counts_with_an_estimate(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app()
    events = stream_answer(context, ModelChoice("openai", "m", fault_server.url("drip")), ASK)
    next(events)
    events.close()
    (row,) = context.foundation.usage.rows()
    assert (row.outcome, row.estimated, row.run) == ("cancelled", True, context.run)
    assert row.cost is not None
    assert row.cost > 0


def test_a_call_that_never_began_costs_nothing(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app()
    with pytest.raises(Exception, match="key"):
        ask(context, fault_server.url("401-echoes-key"))
    (row,) = context.foundation.usage.rows()
    assert (row.cost, row.input_tokens, row.estimated) == (0, None, False)


def test_small_amounts_do_not_read_like_nothing(app: Callable[..., AppContext], fault_server: Any) -> None:
    with pytest.raises(BudgetError, match=r"\$0\.0000 spent of \$0\.000000010, .* about \$0\.017"):
        ask(app(OPSVI_BUDGET__PER_RUN="1e-8"), fault_server.url("ok"))
    with pytest.raises(BudgetError) as caught:
        ask(app(OPSVI_BUDGET__PER_DAY="0.00025"), fault_server.url("ok"))
    assert "spent of $0.00025," in caught.value.message
    assert f"opsvi usage --since {app().now()[:10]}" in caught.value.hint


def test_a_price_that_is_written_wrong_is_said_once(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app(OPSVI_PROVIDERS__OPENAI__PRICES='{"m": {"input": "x", "output": 2}}')
    for _ in range(2):
        assert ask(context, fault_server.url("ok")).reason == "stop"
    said = context.err.getvalue()  # type: ignore[attr-defined]
    assert said.count("the cost is not known: providers.openai.prices") == 1


def test_exit_code(opsvi: Callable[..., Any], fault_server: Any, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(PRICES)
    env = {"OPSVI_BUDGET__PER_RUN": "0.001", "OPENAI_API_KEY": "sk-budget-0123456789"}
    done = opsvi("prompt", "hi", "-m", "m", "--base-url", fault_server.url("ok"), env=env)
    assert (done.code, done.out) == (5, "")
    assert "the budget of this run would be passed" in done.err
    assert fault_server.requests == []


def test_a_batch_stops_and_keeps_what_is_there(
    opsvi: Callable[..., Any], fault_server: Any, home: Path, tmp_path: Path
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(PRICES)
    (tmp_path / "ask.jsonl").write_text("".join(f'{{"id": "{n}", "prompt": "hello there"}}\n' for n in range(6)))
    where = ("-m", "m", "--base-url", fault_server.url("ok"), "-o", "out.jsonl", "--jobs", "1", "--max-tokens", "5")
    done = opsvi("batch", "ask.jsonl", *where, "--max-cost", "0.05")
    assert done.code == 5, done.err
    assert "the budget of this run would be passed" in done.err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    assert fault_server.count("ok") == 2
    assert opsvi("batch", "ask.jsonl", *where, "--max-cost", "1").code == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 6
    assert fault_server.count("ok") == 6


def test_flags(opsvi: Callable[..., Any], fault_server: Any, home: Path) -> None:
    ask_it = ("query", "write to ana@example.org", "-m", "echo")
    assert "--max-cost 0 leaves nothing" in opsvi(*ask_it, "--max-cost", "0", stdin="x").err
    assert opsvi(*ask_it, "--no-log", stdin="Backups run.").code == 0
    assert opsvi("logs", "list", "--json").json == []
    assert opsvi(*ask_it, "--pii", "block", stdin="Backups run.").code == 1
