"""The chat on a terminal that is good for lines only: Ctrl-C in an answer and at the prompt, Ctrl-D, kill, going on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")

PROMPT = "\n> "
Spawn = Callable[..., Any]


@pytest.fixture
def chat(home: Path, tmp_path: Path) -> Iterator[Spawn]:
    """Start `opsvi chat ARGS` on a pseudo-terminal and wait for its prompt."""
    started = []

    def spawn(*args: str) -> Any:
        env = {**os.environ, "TERM": "dumb", "OPSVI_PROVIDERS__ECHO__DELAY": "0.1"}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "opsvi_cli", "chat", *args],
            env=env,
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=60,
            echo=False,
        )
        started.append(child)
        child.expect_exact("> ")
        return child

    yield spawn
    for child in started:
        child.close(force=True)


def ended(child: Any) -> int:
    child.expect(pexpect.EOF)
    child.wait()
    return int(child.exitstatus if child.exitstatus is not None else -child.signalstatus)


def test_answers_and_leaves_with_ctrl_d(chat: Spawn) -> None:
    child = chat("-m", "echo")
    child.sendline("one fine day")
    child.expect_exact("one fine day")
    child.expect_exact("> ")
    child.sendeof()
    assert ended(child) == 0


def test_ctrl_c_stops_the_answer_keeps_what_was_said_and_stays(chat: Spawn, opsvi_process: Any) -> None:
    child = chat("-m", "echo/slow", "--session", "cut")
    child.sendline("alpha " + " ".join(f"w{n}" for n in range(500)))
    child.expect_exact("alpha")
    child.sendintr()
    child.expect_exact("[stopped")
    child.expect_exact("> ")
    child.sendline("/session")
    child.expect_exact("session: cut")
    child.expect_exact("> ")
    child.sendline("/exit")
    assert ended(child) == 0
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.sessions import Sessions

    with Sessions(AppContext(env=dict(os.environ))) as sessions:
        (turn,) = sessions.turns(sessions.find("cut"))
    assert turn.answer is not None
    assert turn.answer.status == "partial"
    assert turn.answer.text.startswith("alpha")
    assert "w499" not in turn.answer.text


def test_ctrl_c_at_the_prompt_leaves_with_130_and_no_traceback(chat: Spawn) -> None:
    child = chat("-m", "echo")
    child.sendintr()
    if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=10) == 1:
        child.sendintr()  # a key pressed while line editing takes the terminal over can get lost
        child.expect(pexpect.EOF)
    assert "Traceback" not in (child.before or "")
    child.wait()
    assert child.exitstatus == 130


def test_going_on_after_kill_9(chat: Spawn) -> None:
    child = chat("-m", "echo/slow")
    child.sendline("first words " + "x " * 500)
    child.expect_exact("first words")
    child.kill(signal.SIGKILL)
    child.expect(pexpect.EOF)
    again = chat("--continue", "-m", "echo")
    again.sendline("/retry")
    again.expect_exact("first words")
    again.expect_exact("> ")
    again.sendline("/sources")
    again.expect_exact("no sources")
    again.sendline("/exit")
    assert ended(again) == 0


def test_unknown_command_and_unknown_model_leave_the_chat_running(chat: Spawn) -> None:
    child = chat("-m", "echo")
    child.sendline("/sorces")
    child.expect_exact("did you mean /sources?")
    child.sendline("/model nope/x")
    child.expect_exact("opsvi: ")
    child.expect_exact("> ")
    child.sendline("still here")
    child.expect_exact("still here")
    child.sendline("/exit")
    assert ended(child) == 0


def test_escape_sequences_never_reach_the_terminal(chat: Spawn) -> None:
    child = chat("-m", "echo")
    child.sendline("red \x16\x1b[31mtext\x16\x1b]0;title\x16\x07 end")
    child.expect_exact("end")
    shown = (child.before or "") + (child.after or "")
    child.sendline("/exit")
    child.expect(pexpect.EOF)
    assert "\x1b[31m" not in shown.rsplit("red", 1)[-1]


def test_interrupt_of_a_piped_chat_is_130_and_keeps_the_question(home: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", "chat", "-m", "echo/slow", "--session", "piped"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("begin " + "x " * 500 + "\n")
    process.stdin.flush()
    assert process.stdout.read(5) == "begin"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_closed_stdin_is_an_empty_talk(home: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m opsvi_cli chat -m echo <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr
