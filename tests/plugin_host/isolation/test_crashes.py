"""A child that ends, babbles or is silent is one clear error; and nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DeadlineError, OpsviError, PluginError
from opsvi_cli.global_options import GlobalOptions
from opsvi_cli.plugin_host.isolation import peer

pytestmark = pytest.mark.usefixtures("zoo")


def _state(pid: int) -> tuple[str, int]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return fields[0], int(fields[1])


def gone(pid: int) -> bool:
    """Whether a process has ended, or does within a while."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state, parent = _state(pid)
        if state == "Z" and parent != os.getpid():
            return True  # it has ended; whoever inherited it has not looked yet
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"how": "exit"}, "exit code 3"),
        ({"how": "exit", "words": "a line\nRuntimeError: out of luck"}, "RuntimeError: out of luck"),
        ({"how": "kill", "words": "all is well"}, "SIGKILL"),
        ({"how": "garbage", "garbage": "Loading model..."}, "it wrote to opsvi's pipe what is no message"),
        ({"how": "garbage", "garbage": '{"type": "shell", "lane": "main"}'}, "unknown type: shell"),
        ({"how": "garbage", "garbage": "x" * 100_000}, "a message is no JSON"),
    ],
)
def test_a_crash_is_one_clear_error(app: AppContext, how: dict[str, Any], words: str) -> None:
    tool = app.part("tool", "zoo")
    pid = tool.call({"do": "about"})["pid"]
    with pytest.raises(PluginError) as caught:
        tool.call({"do": "crash", **how})
    assert caught.value.message.startswith("plugin 'zoo' (isolated) ended unexpectedly: ")
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint == "opsvi plugins info zoo"
    assert gone(pid)
    with pytest.raises(PluginError, match="ended unexpectedly"):
        tool.call({"do": "about"})
    assert app.part("tool", "zoo").call({"do": "about"})["pid"] != pid


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "result", "value": {"@": "os.system", "fields": {}}},
        {"type": "result", "value": {"@": "reference", "surface": "tool2", "number": 1}},
        {"type": "error", "error": {"class": "Exception"}},
        {"type": "error"},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_none_ends_the_child(app: AppContext, answer: dict[str, Any]) -> None:
    tool = app.part("tool", "zoo")
    pid = tool.call({"do": "about"})["pid"]
    identity = next(tool._peer._ids) + 1
    line = json.dumps({**answer, "lane": "main", "id": identity})
    with pytest.raises(PluginError, match="what is no message"):
        tool.call({"do": "crash", "how": "garbage", "garbage": line})
    assert gone(pid)


def test_a_child_that_dies_between_two_events(app: AppContext, tmp_path: Path) -> None:
    from opsvi_cli.sdk import Message, ModelRequest, TextDelta

    events = app.part("provider", "zoo", {"notes": str(tmp_path)}).stream(ModelRequest("steps", [Message("user", "x")]))
    assert next(events) == TextDelta("first ")
    os.kill(app.part("tool", "zoo").call({"do": "about"})["pid"], signal.SIGKILL)
    with pytest.raises(PluginError, match=r"ended unexpectedly: SIGKILL$"):
        next(events)
    assert list(events) == []


def test_silence_ends_with_the_deadline_and_the_deaf_child_is_killed(
    app: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "CANCEL_SECONDS", 0.3)
    tool = app.part("tool", "zoo")
    pid = tool.call({"do": "about"})["pid"]
    app.started, app.options = time.monotonic(), GlobalOptions(timeout=0.3)
    with pytest.raises(DeadlineError, match=r"gave up after 0\.3 s"):
        tool.call({"do": "hang", "deaf": True})
    assert gone(pid)


def test_a_stopped_child_is_killed_as_well(app: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "CANCEL_SECONDS", 0.3)
    tool = app.part("tool", "zoo")
    pid = tool.call({"do": "about"})["pid"]
    os.kill(pid, signal.SIGSTOP)
    app.started, app.options = time.monotonic(), GlobalOptions(timeout=0.3)
    with pytest.raises(OpsviError):
        tool.call({"do": "about"})
    assert gone(pid)


def test_nothing_is_left_after_the_run_not_even_what_the_plugin_started(app: AppContext) -> None:
    tool = app.part("tool", "zoo")
    child, grandchild = tool.call({"do": "about"})["pid"], tool.call({"do": "child"})
    app.close()
    assert gone(child)
    assert gone(grandchild)
    with pytest.raises(PluginError, match="it was ended"):
        tool.call({"do": "about"})


def test_a_child_ends_when_opsvi_is_killed(tmp_path: Path) -> None:
    program = """
import os, sys
from opsvi_cli.context import AppContext
print(AppContext().part("tool", "zoo").call({"do": "about"})["pid"], flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_a_program_that_forgets_to_close_leaves_no_child(tmp_path: Path) -> None:
    program = "from opsvi_cli.context import AppContext\n"
    program += "print(AppContext().part('tool', 'zoo').call({'do': 'about'})['pid'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert gone(int(done.stdout))


def test_ctrl_c_ends_the_child_and_reaches_what_it_does(tmp_path: Path, home: Path) -> None:
    env = {**os.environ, "OPSVI_PROVIDERS__ZOO__NOTES": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", "prompt", "-m", "zoo/steps", "hello"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        cwd=tmp_path,
    )
    try:
        until = time.monotonic() + 60
        while not ((tmp_path / "waiting").exists() and (tmp_path / "waiting").read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        pid = int((tmp_path / "waiting").read_text())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out.startswith("first ")
    assert "Traceback" not in err
    assert (tmp_path / "ended").read_text() == "KeyboardInterrupt"
    assert gone(pid)


def test_one_source_that_kills_the_child_is_one_failed_source(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    for name, text in (("a", "fine"), ("b", "kill"), ("c", "bad"), ("d", "inner")):
        (tmp_path / f"{name}.zoo").write_text(text)
    done = opsvi("ingest", *sorted(tmp_path.glob("*.zoo")), "--json")
    assert done.code == 3, done.err
    assert "ended unexpectedly: SIGKILL" in done.err + done.out
    assert "c.zoo is bad" in done.err + done.out
    found = opsvi("search", "inner", "--mode", "keyword", "--json").json
    assert json.dumps(found).count("the inner text") >= 1
