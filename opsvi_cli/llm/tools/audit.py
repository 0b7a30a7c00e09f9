"""Every call of a tool, written down before it is made: JSON lines, each sealed with the hash of the one above.

A line that is changed, moved or taken out from between others breaks the chain; lines cut off at the end are not
noticed by it. Arguments are redacted; their hash is that of the arguments themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import StoreError
from opsvi_cli.foundation.locks import hold
from opsvi_cli.foundation.paths import private_dir

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_START = "0" * 64
_LONGEST = 2000


class AuditLog:
    """The file of one user. Raises StoreError when it cannot be written: what is not on record does not happen."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self.path = audit_file(app)

    def record(self, event: str, tool: str, arguments: str, **details: Any) -> None:
        """Append one line; `arguments` is the JSON text that the model wrote."""
        shown = self._app.redactor.redact(arguments)
        entry: dict[str, Any] = {
            "time": self._app.now(),
            "command": self._app.command,
            "event": event,
            "tool": tool,
            "arguments": shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "...",
            "arguments_sha256": hashlib.sha256(arguments.encode("utf-8", "replace")).hexdigest(),
            **{name: self._clean(value) for name, value in details.items()},
        }
        try:
            private_dir(self.path.parent)
            with hold(self.path.with_suffix(".lock"), "the audit log of tools", wait=10):
                self._append(entry)
        except OSError as error:
            raise StoreError(
                f"the audit log cannot be written: {error.strerror}: no tool is called", hint=f"check {self.path}"
            ) from error

    def _clean(self, value: Any) -> Any:
        return self._app.redactor.redact(value)[:_LONGEST] if isinstance(value, str) else value

    def _append(self, entry: dict[str, Any]) -> None:
        entry["previous"], whole = _last_hash(self.path)
        entry["hash"] = _seal(entry)
        # After a line that was cut short, by a crash, begins a new one: the break shows, and what follows is readable.
        line = (("" if whole else "\n") + json.dumps(entry, ensure_ascii=True) + "\n").encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if os.write(descriptor, line) != len(line):
                os.ftruncate(descriptor, end)
                raise OSError(28, "the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def audit_file(app: AppContext) -> Path:
    """Where the log is."""
    return app.paths.state / "tools-audit.jsonl"


def entries(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(line number, entry) in order; None for a line whose seal or place in the chain is broken."""
    previous = _START
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for number, line in enumerate(file, 1):
            entry = _read(line)
            sound = entry is not None and entry.get("previous") == previous and entry.get("hash") == _seal(entry)
            yield number, entry if sound else None
            previous = str(entry.get("hash")) if entry is not None else ""


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _seal(entry: Mapping[str, Any]) -> str:
    """SHA-256 of the entry without its own hash, keys in order."""
    text = json.dumps({k: v for k, v in entry.items() if k != "hash"}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _last_hash(path: Path) -> tuple[str, bool]:
    """The hash of the last line (empty when it is unreadable, so that the break stays visible), and if it is whole."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - 65_536))
            tail = file.read()
    except FileNotFoundError:
        return _START, True
    lines = tail.splitlines()
    if not lines:
        return _START, True
    entry = _read(lines[-1])
    return str(entry.get("hash")) if entry is not None else "", tail.endswith(b"\n")
