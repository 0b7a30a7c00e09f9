"""In opsvi: the child processes of isolated plugins, one each, started on first use and ended with the run."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from opsvi_cli.errors import OpsviError, PluginError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import Part, Services

from .child import BOOTSTRAP
from .peer import Peer
from .proxies import PARTS
from .services_here import ServicesHere

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

PACKAGE = Path(__file__).resolve().parents[2]
END_SECONDS = 15.0
"""How long a child may take to end when its stdin has: importing and saving can be slow on a busy machine."""
KILL_SECONDS = 2.0
MAX_ERROR_LINE = 65_536
_ROOT = 0
"""The number of the object `plugin` in the child."""


class Child:
    """The process of one plugin. Thread-safe."""

    def __init__(self, app: AppContext, plugin: str, python: Path) -> None:
        self.plugin = plugin
        self._app = app
        self._said: deque[str] = deque(maxlen=20)
        self._ended_by_us = False
        hidden = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
        try:
            self._process = subprocess.Popen(
                [str(python), "-I", "-c", BOOTSTRAP, str(PACKAGE), plugin],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: value for name, value in app.env.items() if name not in hidden},
                cwd=app.cwd,
                # Ctrl-C is opsvi's to understand, and a child that must be killed goes with its own children.
                start_new_session=True,
            )
        except OSError as error:
            raise PluginError(
                f"plugin {plugin!r} (isolated) cannot be started: {python}: {error.strerror}",
                hint=f"opsvi plugins info {plugin}",
            ) from error
        self._peer = Peer(
            cast("BinaryIO", self._process.stdout),
            cast("BinaryIO", self._process.stdin),
            side="h",
            proxies=PARTS,
            failure=self._failure,
            describe=_describe,
            remaining=app.remaining,
            abandon=self.kill,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True, name=f"opsvi-plugin-{plugin}")
        self._hearer = threading.Thread(target=self._hear, daemon=True, name=f"opsvi-stderr-{plugin}")
        self._hearer.start()
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be asked. Once anyone was told that it is gone, it is: `poll` says nothing of a process
        while another thread waits for it.
        """
        return not self._peer.lanes.closed and self._process.poll() is None

    def describe(self, modules: Mapping[str, str]) -> dict[str, Any]:
        """What each entry point brings, see `child`. Raises PluginError."""
        described = self._peer.call(_ROOT, "describe", dict(modules))
        return cast("dict[str, Any]", described)

    def make(self, part: Part, services: Services) -> Any:
        """Build a part there; returns what stands for it here."""
        folders = (str(services.data_dir), str(services.cache_dir))
        options, level = dict(services.options), services.log.getEffectiveLevel()
        handed = self._peer.offer("services", ServicesHere(services, self._peer.offer))
        return self._peer.call(_ROOT, "make", part.kind, part.target, part.name, options, folders, level, handed)

    # What comes from it

    def _listen(self) -> None:
        self._peer.listen()
        if self._peer.garbage:
            self.kill()

    def _hear(self) -> None:
        """Pass on what the child prints, a line at a time, as a plugin inside of opsvi would print it."""
        stream = cast("BinaryIO", self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while raw := stream.readline(MAX_ERROR_LINE):
                line = plain(raw.decode("utf-8", "backslashreplace")).rstrip()
                if not line:
                    continue
                self._said.append(line)
                if not self._app.options.quiet:
                    self._app.err.write(self._app.redactor.redact(f"{line}\n"))

    def _failure(self) -> OpsviError:
        """Why it cannot answer: its last words, or how it ended."""
        if self._ended_by_us:
            why = "it was ended"
        elif self._peer.garbage:
            why = f"it wrote to opsvi's pipe what is no message ({self._peer.garbage})"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_SECONDS)  # its pipe ends a moment before it does
            self._hearer.join(KILL_SECONDS)
            why = self._last_words()
        return PluginError(
            f"plugin {self.plugin!r} (isolated) ended unexpectedly: {why}", hint=f"opsvi plugins info {self.plugin}"
        )

    def _last_words(self) -> str:
        code = self._process.poll()
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-code).name
        if self._said:
            return self._said[-1][:500]
        return "it closed its pipe" if code is None else f"exit code {code}"

    # Its end

    def close_input(self) -> None:
        """Tell it to end."""
        self._ended_by_us = self._ended_by_us or self.alive
        with contextlib.suppress(OSError):
            cast("BinaryIO", self._process.stdin).close()

    def close(self, seconds: float = END_SECONDS) -> None:
        """Let it end, for `seconds` at most; whatever is left of it then is killed. Nothing of it stays."""
        self.close_input()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and what it has started, at once."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()
        if threading.current_thread() is not self._listener:
            self._listener.join(KILL_SECONDS)
        self._hearer.join(KILL_SECONDS)
        readers = ((self._process.stdout, self._listener), (self._process.stderr, self._hearer))
        for pipe in (self._process.stdin, *(pipe for pipe, reader in readers if not reader.is_alive())):
            with contextlib.suppress(OSError, ValueError):
                cast("BinaryIO", pipe).close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


def _describe(error: BaseException) -> OpsviError:
    """What a plugin is told of an error on opsvi's side that it did not foresee."""
    if isinstance(error, OpsviError):
        return error
    if isinstance(error, Exception):
        return PluginError(f"what the plugin asked of opsvi failed: {type(error).__name__}: {error}"[:500])
    return PluginError("opsvi was interrupted")


class Children:
    """The child processes of one run, by distribution."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._running: dict[str, Child] = {}
        self._lock = threading.Lock()

    def part(self, distribution: str, python: Path, part: Part) -> Callable[[Services], Any]:
        """What stands for the class of an isolated part: called with services, it builds the part in the child."""

        def build(services: Services) -> Any:
            return self.get(distribution, part.plugin, python).make(part, services)

        return build

    def get(self, distribution: str, plugin: str, python: Path) -> Child:
        """The child of a distribution, started when there is none or it has ended. Raises PluginError."""
        with self._lock:
            child = self._running.get(distribution)
            if child is not None and not child.alive:
                child.close()
                child = None
            if child is None:
                if not self._running:
                    atexit.register(self.close)
                child = self._running[distribution] = Child(self._app, plugin, python)
            return child

    def close(self) -> None:
        """End all of them; they end side by side."""
        with self._lock:
            children, self._running = list(self._running.values()), {}
        atexit.unregister(self.close)
        for child in children:
            child.close_input()
        until = time.monotonic() + END_SECONDS
        try:
            for child in children:
                child.close(max(0.0, until - time.monotonic()))
        except BaseException:  # a second Ctrl-C
            for child in children:
                child.kill()
            raise
