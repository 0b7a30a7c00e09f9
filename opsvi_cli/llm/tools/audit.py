"""Every call of a tool, written down before it is made: JSON lines, each sealed with the hash of the one above.

A line that is changed, moved or taken out breaks the chain; the hash of the last line stands in a file of its own, so
that lines cut off at the end are missed too. Who can write both files can forge both: this is a seal, not a lock.
Arguments are redacted; their hash is that of the arguments themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import StoreError
from opsvi_cli.foundation.files import write_atomic
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
        last, whole = _last_entry(self.path)
        head = _head(self.path)
        # A crash can come between a line and its hash in the other file; then that hash is the one before.
        known = not head or head in (last.get("hash"), last.get("previous"))
        entry["previous"] = str(last.get("hash", "")) if known else head
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
        write_atomic(head_file(self.path), entry["hash"] + "\n")


def audit_file(app: AppContext) -> Path:
    """Where the log is."""
    return app.paths.state / "tools-audit.jsonl"


def head_file(path: Path) -> Path:
    """Where the hash of the last line is."""
    return path.with_suffix(".head")


def _head(path: Path) -> str:
    try:
        return head_file(path).read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return ""


def entries(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(line number, entry) in order; None for a line whose seal or place in the chain is broken, or that is missing."""
    head = _head(path)  # read first: others may write on meanwhile
    previous, found, number = _START, not head, 0
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            entry = _read(line)
            sound = entry is not None and entry.get("previous") == previous and entry.get("hash") == _seal(entry)
            yield number, entry if sound else None
            if entry is not None:  # what a crash cut short has no place in the chain
                previous = str(entry.get("hash"))
            found = found or previous == head
    if not found:
        yield number + 1, None


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


def _last_entry(path: Path) -> tuple[dict[str, Any], bool]:
    """The last line (empty when it is unreadable, so that the break stays visible), and whether it is whole."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - 65_536))
            tail = file.read()
    except FileNotFoundError:
        tail = b""
    if not tail:
        return {"hash": _START}, True
    return _read(tail.splitlines()[-1]) or {}, tail.endswith(b"\n")
