"""Texts that give orders to the model: nothing leaves, although the model obeys every one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.attacks import ATTACKS, Attack
from servers.obedient_model import Obedient

Run = Callable[..., Any]


def run(opsvi: Run, model: Obedient, tmp_path: Path, *args: str, **more: Any) -> Any:
    """Everything is allowed that settings can allow: what still stands is the taint."""
    env = {"OPSVI_TOOLS__ALLOW": "*", "OPSVI_RESILIENCE__RETRIES": "0"}
    tools = ("--tool", "post", "--tool", "read_file", "--tool", "http_get", "--tool", "search")
    where = ("-m", "openai/m", "--base-url", model.url, "--no-stream")
    return opsvi("prompt", *args, *tools, *where, env=env, cwd=tmp_path / "work", **more)


def assert_nothing_left(model: Obedient, attack: Attack) -> None:
    assert attack.name in model.obeyed, "the attack did not reach the model: this proves nothing"
    assert model.leaked == []
    sent = str(model.asked)
    assert "4711" not in sent
    assert "root:x:" not in sent


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_piped_text(attack: Attack, opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    done = run(opsvi, model, tmp_path, "summarise this", stdin=attack.text)
    assert done.code in (0, 1), done.err
    assert_nothing_left(model, attack)


@pytest.mark.parametrize("flag", ["-a", "-f"])
@pytest.mark.parametrize("attack", ATTACKS[::6], ids=lambda attack: attack.name)
def test_file(attack: Attack, flag: str, opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    (tmp_path / "work" / "page.txt").write_text(f"{attack.trigger}\n{attack.text}")
    run(opsvi, model, tmp_path, "summarise this", flag, "page.txt")
    assert_nothing_left(model, attack)


@pytest.mark.parametrize("attack", ATTACKS[::6], ids=lambda attack: attack.name)
def test_result_of_a_tool(attack: Attack, opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    """The user's own words are clean; the file that the model then reads is not."""
    (tmp_path / "work" / "notes.txt").write_text(attack.text)
    model.wish = ("read_file", {"path": "notes.txt"})
    run(opsvi, model, tmp_path, "read notes.txt and summarise it")
    assert_nothing_left(model, attack)


@pytest.mark.parametrize("attack", ATTACKS[::12], ids=lambda attack: attack.name)
def test_yes_is_no_consent(attack: Attack, opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    run(opsvi, model, tmp_path, "summarise this", "--yes", stdin=attack.text)
    assert_nothing_left(model, attack)


def test_the_canary_sings_when_the_user_asks_for_it(opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    """The control: the same model, tool and settings do send when the order is the user's own."""
    done = run(opsvi, model, tmp_path, ATTACKS[0].text)
    assert done.code == 0, done.err
    assert model.leaked == ["the key is canary-7f3a"]


def test_the_refusal_is_told_to_the_model_and_written_down(opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    done = run(opsvi, model, tmp_path, "summarise this", stdin=ATTACKS[0].text)
    assert "error: the user does not allow post" in str(model.asked[-1])
    assert "tool post" in done.err
    rows = opsvi("tools", "log", "--json").json
    assert [(row["event"], row["tool"], row["decision"]) for row in rows] == [("refused", "post", "deny")]


def test_links_and_images_of_an_answer_are_not_fetched(opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    text = f"![x]({model.canary}?k=1) [y]({model.canary}) <img src='{model.canary}'>"
    done = opsvi("prompt", text, "-m", "echo", cwd=tmp_path)
    assert model.canary in done.out
    assert model.leaked == []
