"""The results of a batch: a JSON line each, written as it comes, so that a run that was ended can go on.

A line has `id`, `model`, `request` (a fingerprint of what was asked), and `answer`, `finish`, `usage`, or `error`,
whose `partial` is an answer that came and could not be used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, ProviderError, StoreError, UsageError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.sdk import JSON, Usage

from .batch import Item

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_BEGINNING = b'{"id": '


@dataclass(frozen=True, slots=True)
class Result:
    """`error` is None when there is an answer."""

    item: Item
    model: str
    answer: JSON = None
    finish: str = ""
    usage: Usage = Usage()
    error: OpsviError | None = None

    def line(self, app: AppContext) -> dict[str, Any]:
        row: dict[str, Any] = {"id": self.item.id, "model": self.model, "request": self.item.fingerprint}
        if self.error is None:
            return {**row, "answer": self.answer, "finish": self.finish, "usage": asdict(self.usage)}
        error = self.error
        kind = error.kind if isinstance(error, ProviderError) else error.code
        said = app.redactor.redact(error.message)
        failure = {"kind": kind, "message": said, "hint": app.redactor.redact(error.hint)}
        if "partial" in error.details:
            failure["partial"] = error.details["partial"]
        return {**row, "error": failure}


class ResultFile:
    """The file of results. What it holds of these very requests is kept, everything else asked again.

    Half a line at the end, of a run that was killed, is taken out; so are failures, and answers to what was changed.
    A file with lines of anything else is refused, never overwritten. Raises UsageError.
    """

    def __init__(self, app: AppContext, path: Path, items: Sequence[Item]) -> None:
        self._app = app
        self._path = path
        self._file: IO[bytes] | None = None
        lines = self._old_lines()
        wanted = {item.id: item.fingerprint for item in items}
        kept = {
            str(row["id"]): line
            for line, row in lines
            if "error" not in row and wanted.get(str(row["id"]), row["request"]) == row["request"]
        }
        self.done = frozenset(kept) & wanted.keys()
        """Ids of the items that have their answer."""
        content = b"".join(line + b"\n" for line in kept.values())
        try:
            if not path.exists() or path.read_bytes() != content:
                write_atomic(path, content)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise UsageError(f"{path.name}: {error.strerror or error}", hint="choose another file with -o") from error

    def _old_lines(self) -> list[tuple[bytes, dict[str, Any]]]:
        try:
            if self._path.exists() and not self._path.is_file():
                # A device or pipe has no old lines, and may never end.
                raise UsageError(f"{self._path} is no regular file", hint="without -o results go to stdout")
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UsageError(f"{self._path.name}: {error.strerror or error}", hint="choose another file") from error
        found = []
        *lines, last = data.split(b"\n")
        for number, line in enumerate([*lines, last] if _row(last) else lines, 1):
            if not line.strip():
                continue
            if (row := _row(line)) is None:
                raise UsageError(
                    f"{self._path.name}, line {number} is no result of a batch: the file is left alone",
                    hint="choose another file with -o",
                )
            found.append((line, row))
        if _row(last) is None and not last.startswith(_BEGINNING[: len(last)]):
            raise UsageError(f"{self._path.name} holds no results of a batch", hint="choose another file with -o")
        return found

    def write(self, result: Result) -> None:
        """One line, on the disk when this returns: answers cost money. Raises StoreError."""
        assert self._file is not None
        left = memoryview(encoded(result, self._app))
        try:
            while left:  # unbuffered, so that a full disk is met here and not once more on closing
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(
                f"{self._path.name}: {error.strerror or error}", hint="make room, and run the same command again"
            ) from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def encoded(result: Result, app: AppContext) -> bytes:
    """A line of the file."""
    return json.dumps(result.line(app), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _row(line: bytes) -> dict[str, Any] | None:
    """A result, if the line is one."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = isinstance(row, dict) and "id" in row and "request" in row and ("answer" in row or "error" in row)
    return row if known else None
