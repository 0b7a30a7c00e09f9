"""A child process with an end: to its time, its memory and what it prints. Whatever it started ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one child. Without POSIX only the clock and the output are limited."""

    seconds: float = 60.0
    """On the clock."""
    cpu_seconds: int = 30
    memory_bytes: int = 4_000_000_000
    output_bytes: int = 1_000_000


@dataclass(slots=True)
class Ended:
    """`answers`: the JSON objects it wrote, a line each. `printed`: the rest. `why` is empty when it ended well."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    why: str = ""


class _Reader(threading.Thread):
    """Reads a pipe to its end, or until it holds more than `limit` bytes: then `flooded` is set and the group ended."""

    def __init__(self, pipe: IO[bytes], limit: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.data = bytearray()
        self.flooded = False
        self._pipe, self._limit, self._process = pipe, limit, process
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while piece := os.read(self._pipe.fileno(), 65_536):
                self.data += piece[: max(0, self._limit - len(self.data))]
                if len(self.data) >= self._limit:
                    self.flooded = True
                    end_group(self._process)
                    return


def run_bounded(argv: Sequence[str], request: Mapping[str, Any], env: Mapping[str, str], limits: Limits) -> Ended:
    """Start `argv`, hand it `request` as JSON on stdin, and wait for its end; stdout is for answers.

    The last answer of a child that came to its end is `{"done": true}`. It sets the limits of memory and processor
    time itself, by `apply`, when its own modules are loaded.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    late = False
    try:
        answers = _Reader(process.stdout, 8_000_000, process)
        printed = _Reader(process.stderr, limits.output_bytes, process)
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(request).encode())
        try:
            process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            late = True
    finally:
        end_group(process)
        process.wait()
    for reader in (answers, printed):
        reader.join(5)
    found, done = _parsed(bytes(answers.data))
    ended = Ended(found, printed.data.decode("utf-8", "replace"))
    if printed.flooded or answers.flooded:
        ended.why = f"it printed more than {limits.output_bytes // 1000} kB"
    elif late:
        ended.why = f"it did not come to an end in {limits.seconds:g} s"
    elif not done:
        ended.why = _why(process.returncode, limits)
    for pipe in (process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            pipe.close()
    return ended


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _parsed(data: bytes) -> tuple[list[dict[str, Any]], bool]:
    """The answers before `done`, and whether it came. A line that is no JSON object is none of ours."""
    found: list[dict[str, Any]] = []
    for line in data.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, dict):
            if answer.get("done"):
                return found, True
            found.append(answer)
    return found, False


def _why(code: int, limits: Limits) -> str:
    if code >= 0:
        return f"it ended the process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGXCPU":
        return f"it took more than {limits.cpu_seconds} s of processor time"
    return f"it ended the process with {name}"


def apply(limits: Limits) -> None:
    """Limit this process; called by the child. What it starts inherits the limits."""
    if sys.platform == "win32":
        return
    import resource

    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + 1
    for kind, value in (
        (resource.RLIMIT_CPU, used + limits.cpu_seconds),
        (resource.RLIMIT_DATA, limits.memory_bytes),  # not of address space: libraries reserve far more than they use
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
