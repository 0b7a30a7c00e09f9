"""Work on what somebody else wrote: in a child process with an end to its time, its memory and what it prints.

A sandbox keeps a template from reaching out; it cannot keep it from counting to a very large number. Whatever the child
started ends with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

_PROGRAM = "import sys; from opsvi_cli.foundation.bounded import serve; serve(sys.argv[1])"


class BoundError(Exception):
    """The work did not come to an end within its time and memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one child. Without POSIX only the clock and the output are limited."""

    seconds: float = 60.0
    """On the clock."""
    cpu_seconds: int = 30
    memory_bytes: int = 4_000_000_000
    output_bytes: int = 1_000_000
    answer_bytes: int = 8_000_000


@dataclass(slots=True)
class Ended:
    """`answers`: the JSON objects it wrote, a line each. `printed`: the rest. `why` is empty when it ended well."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    why: str = ""


def call_bounded(target: str, request: Any, limits: Limits) -> Any:
    """What the function `target` ("module:name") makes of `request`; both are JSON, and so is the answer.

    It runs in a child without the user's environment. Raises BoundError when it breaks, or goes beyond its limits.
    """
    root = str(Path(__file__).resolve().parents[2])
    # What a Windows process needs to start at all, and where the packages are.
    kept = ("PATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    argv = [sys.executable, "-P", "-c", _PROGRAM, target]
    ended = run_bounded(argv, {"request": request, "limits": asdict(limits)}, environment, limits)
    why = ended.why or ended.answers[0].get("why")
    if why:
        raise BoundError(why)
    return ended.answers[0]["answer"]


def serve(target: str) -> None:
    """The child of `call_bounded`: a request on stdin, the answer on stdout."""
    from importlib import import_module

    asked = json.load(sys.stdin)
    module, _, name = target.partition(":")
    work = getattr(import_module(module), name)
    limits = Limits(**asked["limits"])
    apply(limits)
    try:
        answer = {"answer": work(asked["request"])}
    except MemoryError:
        answer = {"why": f"it takes more than {limits.memory_bytes} bytes of memory"}
    for line in (answer, {"done": True}):
        sys.stdout.write(json.dumps(line) + "\n")


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
        answers = _Reader(process.stdout, limits.answer_bytes, process)
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
    if printed.flooded:
        ended.why = f"it printed more than {limits.output_bytes // 1000} kB"
    elif answers.flooded:
        ended.why = f"it answered with more than {limits.answer_bytes // 1000} kB"
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
