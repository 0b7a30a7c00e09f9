"""Servers on demand: one child a model, started with the first request, shared by the run, kept for later if asked.

Each has a random key in a file for its user's eyes, so that nobody else on the machine can use it.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from opsvi_cli.sdk import DeadlineError, ProviderError, Services, UsageError

Use = Literal["chat", "embedding", "reranking"]
START_SECONDS = 120.0
_STEP = 0.1
_TOUCH = 1.0


@dataclass(frozen=True)
class Running:
    """A server that answers. `key` is a reference to its key; `used` the file whose time says when it last was."""

    url: str
    key: str
    used: Path

    def touch(self) -> None:
        with contextlib.suppress(OSError):
            os.utime(self.used)


_here: dict[str, tuple[Running, subprocess.Popen[str]]] = {}
_lock = threading.Lock()


def running_server(services: Services, model: Path, use: Use = "chat") -> Running:
    """The server of a model. Raises ProviderError when it does not come up, UsageError for a wrong setting."""
    asked = _settings(services, model, use)
    folder = services.data_dir / "llamacpp" / _identity(asked)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    with _lock, _one_at_a_time(folder, services):
        found = _still_there(folder)
        if found is not None:
            return found
        return _start(services, asked, folder)


def _settings(services: Services, model: Path, use: Use) -> dict[str, Any]:
    def number(name: str, default: float, least: float) -> Any:
        value = services.options.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
            raise UsageError(f"{services.name}: {name} {value!r} is not a number of at least {least:g}")
        return value

    return {
        "model": str(model),
        "use": use,
        "context": int(number("context", 0, 0)),
        "threads": int(number("threads", 0, 0)),
        "gpu_layers": int(number("gpu_layers", -1, -1)),
        "parallel": int(number("parallel", 1, 1)),
        "keep_alive": float(number("keep_alive", 0, 0)),
        "start_timeout": float(number("start_timeout", START_SECONDS, 0.1)),
    }


def _identity(asked: dict[str, Any]) -> str:
    """Another server for another file, a changed file, or other settings."""
    stat = Path(asked["model"]).stat()
    parts = {**asked, "size": stat.st_size, "changed": stat.st_mtime_ns}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _one_at_a_time(folder: Path, services: Services) -> Iterator[None]:
    """Two runs at once must not load a model twice."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock", mode=0o600)
    while True:
        try:
            lock.acquire(timeout=_STEP)
            break
        except Timeout:
            services.remaining()  # raises at the end of the run's time
    try:
        yield
    finally:
        lock.release()


def _still_there(folder: Path) -> Running | None:
    """The server of this run, or one that an earlier run left, when it answers."""
    name = str(folder)
    if name in _here:
        running, child = _here[name]
        if child.poll() is None:
            running.touch()
            return running
        del _here[name]
    try:
        state = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        running = Running(str(state["url"]), f"file:{folder / 'key'}", folder / "used")
        running.touch()
        return running if _answers(running.url) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _answers(url: str) -> bool:
    import http.client
    from urllib.parse import urlsplit

    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def _start(services: Services, asked: dict[str, Any], folder: Path) -> Running:
    key = secrets.token_hex(24)
    _write(folder / "key", key)
    _write(folder / "used", "")
    stays = bool(asked["keep_alive"])
    with (folder / "log").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "opsvi_llamacpp.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for opsvi, which ends the request and then the child
        )
    try:
        _tell(child, {**asked, "key": key, "used": str(folder / "used")})
        address = _address(services, child, asked, folder)
    except BaseException:
        child.kill()
        child.wait()
        raise
    running = Running(f"{address}/v1", f"file:{folder / 'key'}", folder / "used")
    if stays:
        _write(folder / "server.json", json.dumps({"url": running.url, "pid": child.pid}))
    else:
        atexit.register(_end, child)
    _here[str(folder)] = running, child
    return running


def _tell(child: subprocess.Popen[str], asked: dict[str, Any]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):  # it has died already; its log says why
        child.stdin.write(json.dumps(asked) + "\n")
        child.stdin.flush()


def _address(services: Services, child: subprocess.Popen[str], asked: dict[str, Any], folder: Path) -> str:
    """Wait for the line that says where it listens, within the run's time."""
    lines: queue.Queue[str] = queue.Queue()
    stdout = child.stdout
    assert stdout is not None
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    end = time.monotonic() + asked["start_timeout"]
    while True:
        try:
            line = lines.get(timeout=_STEP)
            break
        except queue.Empty:
            left = services.remaining()
            if left is not None and left <= 0:
                raise DeadlineError("the time allowed ran out while the model was loaded") from None
            if time.monotonic() > end:
                raise ProviderError(
                    f"{services.name}: {asked['model']} was not loaded within {asked['start_timeout']:g} s",
                    kind="timeout",
                    hint=f"opsvi config set providers.{services.name}.start_timeout SECONDS",
                ) from None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(line)["address"])
    child.wait(10)
    raise ProviderError(
        f"{services.name}: {asked['model']} cannot be loaded: {_reason(folder / 'log', child.returncode)}",
        kind="bad-response",
        hint=f"see {folder / 'log'}; less memory: a smaller model, or providers.{services.name}.context",
    )


def _reason(log: Path, code: int | None) -> str:
    """The first error of llama.cpp's log, or how the process ended."""
    with contextlib.suppress(OSError):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            _, mark, rest = line.partition(" E ")
            if mark:
                return " ".join("".join(c if c.isprintable() else " " for c in rest).split())[:200]
    return f"its process ended with {code}" if code is None or code >= 0 else f"its process was ended by signal {-code}"


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()


class Kept:
    """Keeps a server awake while something comes from it."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._last = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last >= _TOUCH:
            self._last = now
            self._running.touch()
