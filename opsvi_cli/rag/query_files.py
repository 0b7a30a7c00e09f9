"""The files that `query` is given: a template and a JSON Schema, read with errors that name the flag."""

from __future__ import annotations

import json
from pathlib import Path

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import JSON

_LARGEST = 1_000_000


def read_template(path: str) -> str:
    """The text of a Jinja2 template. Raises UsageError."""
    return _read("--template", path)


def read_schema(path: str) -> dict[str, JSON]:
    """A JSON Schema object. Raises UsageError."""
    try:
        schema = json.loads(_read("--schema", path))
    except ValueError as error:
        raise UsageError(f"--schema: {path} is not JSON: {error}", hint="a JSON Schema object is needed") from error
    if not isinstance(schema, dict):
        raise UsageError(f"--schema: {path} holds no JSON object", hint="a JSON Schema object is needed")
    return schema


def _read(flag: str, path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{flag}: {path}: {error.strerror}", hint="check the path") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{flag}: {path} is larger than {_LARGEST} bytes", hint="check the path")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{flag}: {path} is not UTF-8 text", hint="check the path") from error
