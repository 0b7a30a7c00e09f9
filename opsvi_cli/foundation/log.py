"""The log: stderr and, when asked for, a file; for people or as JSON lines; redacted; never stdout."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

from opsvi_cli.global_options import GlobalOptions

from .redact import Redactor
from .schema import Log
from .terminal import plain

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


def open_log(err: TextIO, settings: Log, redactor: Redactor, options: GlobalOptions) -> logging.Logger:
    """Set up the logger `opsvi` for this run and hold other libraries' loggers back.

    -q: errors only; -v: info; -vv: debug; else the setting. Libraries are heard from -v on, with their warnings.
    """
    log = logging.getLogger("opsvi")
    level = _level(settings, options)
    handler = _Handler(err, settings.format == "json", redactor, verbose=options.verbose > 1)
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    _hold_libraries(handler, options)
    if settings.file:
        try:
            log.addHandler(_Handler(_private_append(settings.file), settings.format == "json", redactor, verbose=True))
        except OSError as error:
            log.warning("cannot write the log to %s: %s", settings.file, error.strerror)
    return log


def _level(settings: Log, options: GlobalOptions) -> int:
    if options.quiet:
        return logging.ERROR
    if options.verbose:
        return logging.DEBUG if options.verbose > 1 else logging.INFO
    return _LEVELS[settings.level]


def _hold_libraries(handler: logging.Handler, options: GlobalOptions) -> None:
    """Own the root logger: a library that calls `logging.basicConfig` then adds no handler of its own."""
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _LibraryHandler)]:
        root.removeHandler(old)
    libraries = _LibraryHandler(handler, heard=options.verbose > 0)
    root.addHandler(libraries)
    root.setLevel(logging.INFO if options.verbose > 1 else logging.WARNING)
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    """Formats and redacts a record, traceback included, in one place that nothing can go round."""

    def __init__(self, stream: TextIO, as_json: bool, redactor: Redactor, *, verbose: bool) -> None:
        super().__init__(stream)
        self._format: Callable[[logging.LogRecord], str] = self._json if as_json else self._human
        self._redactor = redactor
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        return self._format(record)

    def _message(self, record: logging.LogRecord) -> str:
        try:
            return record.getMessage()
        except (TypeError, ValueError):  # a library's format string and its arguments do not match
            return str(record.msg)

    def _trace(self, record: logging.LogRecord) -> str:
        return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""

    def _human(self, record: logging.LogRecord) -> str:
        name = f" {record.name}:" if self._verbose else ""
        trace = f"\n{self._trace(record)}" if record.exc_info else ""
        text = self._redactor.redact(self._message(record) + trace)
        # A line of a document must not pass for a line of the log.
        return f"opsvi: {record.levelname.lower()}:{name} " + plain(text).strip().replace("\n", "\n    ")

    def _json(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redactor.redact(self._message(record)),
        }
        if record.exc_info:
            line["exception"] = self._redactor.redact(self._trace(record))
        return json.dumps(line)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        """A log that cannot be written (closed pipe, full disk) must not end or flood the command."""


class _LibraryHandler(logging.Handler):
    """Passes what other libraries log to opsvi's handler, or drops it."""

    def __init__(self, target: logging.Handler, *, heard: bool) -> None:
        super().__init__(logging.INFO)
        self._target = target
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if self._heard:
            self._target.handle(record)


def _private_append(path: str) -> TextIO:
    target = Path(path).expanduser()
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
