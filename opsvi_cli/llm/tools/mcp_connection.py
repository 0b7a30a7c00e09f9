"""The thread in which the protocol of one MCP server runs. Every wait for a server ends, and a program ends with it.

A server may hang at any point and ignore what it is told. So nobody waits in the protocol's own calls: they run as
tasks of its event loop, looked at from outside, and are cancelled at their time, at the end of the run's time and at
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import Event
from anyio.from_thread import start_blocking_portal

from opsvi_cli.errors import OpsviError

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")
_STEP = 0.05
_PARTING_SECONDS = 1.0
"""How long a server may take to read that a call is cancelled, or that it is to end, when no time is left for it."""
_CLOSE_SECONDS = 3.0
"""The library closes a program's stdin and sends SIGTERM two seconds later; what is alive by then is killed."""


class Connection:
    """One server, connected. Close it when done. `remaining` gives the seconds of the run, and raises at its end."""

    def __init__(self, client: Client, remaining: Callable[[], float | None], seconds: float) -> None:
        """Raises TimeoutError when the server does not answer within `seconds`, and what the library raises."""
        self._client = client
        self._remaining = remaining
        self._loop = _loop()
        self._end: Event | None = None
        self._gone: Future[None] = Future()
        self._stack = ExitStack()
        factory = {"loop_factory": lambda: self._loop}
        self._portal = self._stack.enter_context(start_blocking_portal(backend_options=factory))
        began: Future[None] = Future()
        self._life = self._portal.start_task_soon(self._live, began)
        try:
            self._wait(began, seconds)
            began.result()
        except BaseException:
            self._life.cancel()
            self.close(_PARTING_SECONDS)  # it has not even begun
            raise

    async def _live(self, began: Future[None]) -> None:
        """The library's context is entered and left in one task."""
        self._end = Event()
        try:
            async with self._client:
                began.set_result(None)
                await self._end.wait()
        except BaseException as error:
            if not began.done():
                began.set_exception(error)
            raise
        finally:
            self._gone.set_result(None)

    def run(self, action: Callable[[Client], Coroutine[Any, Any, T]], seconds: float) -> T:
        """Do it in the protocol's thread. A request that is given up is cancelled on the server's side too.

        Raises TimeoutError, and what the library raises.
        """
        over = threading.Event()

        async def ending() -> T:
            try:
                return await action(self._client)
            finally:
                over.set()

        future = self._portal.start_task_soon(ending)
        try:
            self._wait(future, seconds)
        except BaseException:
            future.cancel()
            over.wait(_PARTING_SECONDS)
            raise
        return future.result()

    def _wait(self, future: Future[Any], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not future.done():
            self._remaining()
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no answer within {seconds:g} s")
            wait([future], min(_STEP, left))

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """End the connection. A program that was started is told to end, and killed when it does not."""
        try:
            if self._end is not None:
                with contextlib.suppress(RuntimeError):  # it is closed already
                    self._loop.call_soon_threadsafe(self._end.set)
            wait([self._gone], _PARTING_SECONDS)
            with contextlib.suppress(TimeoutError, OpsviError):
                self._wait(self._gone, seconds - _PARTING_SECONDS)
        finally:  # also at a second Ctrl-C
            self._kill()
            with contextlib.suppress(Exception):  # the server may be gone already
                self._stack.close()

    def _kill(self) -> None:
        if isinstance(self._loop, _Watching):
            self._loop.kill()


class _Watching(asyncio.SelectorEventLoop):
    """An event loop that knows the programs that were started in it: the library does not tell which they are."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[asyncio.SubprocessTransport] = []

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().subprocess_exec(*args, **options)
        self._started.append(transport)
        return transport, protocol

    def kill(self) -> None:
        """End at once what is still alive; the library gave each program a process group of its own."""
        for transport in self._started:
            if transport.get_returncode() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(transport.get_pid(), signal.SIGKILL)


def _loop() -> asyncio.AbstractEventLoop:
    """On Windows the library ends programs by the means of Windows."""
    return asyncio.new_event_loop() if sys.platform == "win32" else _Watching()
