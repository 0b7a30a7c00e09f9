"""Worker processes that read sources: kept warm, limited, replaced when they die."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, cast

from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.sdk import Document, Source

from .extraction import identified, read_source, select_processor
from .limits import too_slow
from .wire import documents_from, error_from, read_frame, source_head, write_frame

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

Result = list[Document] | OpsviError

MAX_DOCUMENTS = 500
"""Documents until a worker is replaced: libraries leak."""
MAX_AHEAD_BYTES = 256_000_000
SMALL = {"text": 1_000_000, "markdown": 64_000}
"""Sources up to this size that the built-in processors of these names read safely in this process."""
_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from opsvi_cli.rag.worker import main; main()"


class _Worker:
    """One child process. Used by one thread at a time."""

    def __init__(self, app: AppContext, wall_seconds: float) -> None:
        settings = app.settings.ingest
        self._limit = max(4 * settings.max_expanded_bytes, 64_000_000)
        self._wall = wall_seconds
        self._seconds = settings.seconds_per_document
        self._done = 0
        # The same installation as this process, whatever else the child would find first.
        path = json.dumps([os.path.abspath(place) for place in sys.path if place])
        self._process = subprocess.Popen(
            # -P: a module in the user's folder must not stand in for one of the standard library
            [sys.executable, "-P", "-c", _PROGRAM, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if app.options.verbose > 1 else subprocess.DEVNULL,
            env={**app.env},
            cwd=app.cwd,
        )
        start = {
            "seconds": settings.seconds_per_document,
            "memory": settings.memory_bytes,
            "cwd": app.cwd,
            "config": app.options.config,
            "profile": app.options.profile,
        }
        self._send(start)

    def _send(self, head: dict[str, object], body: bytes = b"") -> None:
        write_frame(cast("BinaryIO", self._process.stdin), head, body)

    @property
    def worn(self) -> bool:
        return self._done >= MAX_DOCUMENTS or self._process.poll() is not None

    def read(self, source: Source) -> Result:
        """The documents, or why there are none. The worker is at its end when it was killed or crashed."""
        self._done += 1
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(self._wall, expire)
        timer.daemon = True
        timer.start()
        try:
            self._send(source_head(source), source.data)
            frame = read_frame(cast("BinaryIO", self._process.stdout), self._limit)
            if frame is not None:
                return self._result(*frame)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.close()
            if not expired.is_set() and not isinstance(error, OSError):
                return DocumentError(f"{source.name} cannot be read: {error}")
        finally:
            timer.cancel()
        return self._epitaph(source, expired.is_set())

    def _result(self, head: dict[str, object], body: bytes) -> Result:
        if head.get("spent"):
            self.close()
        error = head.get("error")
        return error_from(error) if isinstance(error, dict) else documents_from(body)

    def _epitaph(self, source: Source, expired: bool) -> DocumentError:
        """Why the process is dead, in a line."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)  # its pipe ends a moment before it does, and its own end says why
        self.close()
        code = self._process.returncode
        if not expired and -code in _time_signals():
            return too_slow(source.name, self._seconds)
        if expired:
            why = f"it was not done after {self._wall:g} s"
        else:
            why = f"the program that read it was ended by signal {-code}" if code < 0 else f"exit code {code}"
        return DocumentError(
            f"{source.name} cannot be read: {why}", hint="the file is damaged, made to do harm, or over the limits"
        )

    def close(self) -> None:
        """End the process at once and wait for it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # bytes that were still to be written to a dead process
                    pipe.close()
        self._process.wait()


def _time_signals() -> set[int]:
    import signal

    return {int(getattr(signal, name)) for name in ("SIGXCPU", "SIGPROF") if hasattr(signal, name)}


class Extractor:
    """Reads sources with as many worker processes as `ingest.jobs` says. A context manager: leaving it ends them."""

    def __init__(self, app: AppContext, *, jobs: int | None = None, wall_seconds: float | None = None) -> None:
        settings = app.settings.ingest
        self._app = app
        self._jobs = jobs or settings.jobs or os.cpu_count() or 1
        self._wall = wall_seconds or 4 * settings.seconds_per_document + 30
        self._threads = ThreadPoolExecutor(self._jobs, thread_name_prefix="opsvi-extract")
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker, whatever it is doing."""
        with self._lock:
            self._closed = True
            workers, self._all = list(self._all), set()
        for worker in workers:
            worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def read(self, source: Source) -> Result:
        """One source."""
        return next(result for _, result in self.read_many([source]))

    def read_many(self, sources: Iterable[Source]) -> Iterator[tuple[Source, Result]]:
        """Each source with its documents or its error, in the order of the input.

        Reads ahead by two sources a worker, and by no more than 256 MB.
        """
        waiting: deque[tuple[Source, Future[Result]]] = deque()
        held = 0
        for source in sources:
            waiting.append((source, self._start(source)))
            held += len(source.data)
            while waiting and (len(waiting) > 2 * self._jobs or held > MAX_AHEAD_BYTES):
                done, future = waiting.popleft()
                held -= len(done.data)
                yield done, future.result(self._app.remaining())
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result(self._app.remaining())

    def _start(self, source: Source) -> Future[Result]:
        """A future of the result: done already for what is quick and harmless, or cannot be read by anybody."""

        ready: Future[Result] = Future()
        try:
            if not source.data:
                raise DocumentError(f"{source.name} is empty")
            source = identified(source)
            part = select_processor(self._app, source)
            if part.plugin != "opsvi" or len(source.data) > SMALL.get(part.name, -1):
                return self._threads.submit(self._work, source)
            ready.set_result(read_source(self._app, source))
        except OpsviError as error:
            ready.set_result(error)
        return ready

    def _work(self, source: Source) -> Result:
        worker = self._take()
        if worker is None:
            return DocumentError(f"{source.name}: stopped")
        result = worker.read(source)
        with self._lock:
            if worker.worn or self._closed:
                self._all.discard(worker)
            else:
                self._idle.append(worker)
                return result
        worker.close()
        return result

    def _take(self) -> _Worker | None:
        with self._lock:
            if self._closed:
                return None
            if self._idle:
                return self._idle.pop()
            worker = _Worker(self._app, self._wall)
            self._all.add(worker)
            return worker
