"""Many prompts from a JSONL file: what a line may hold, and what it becomes.

{"id": "a", "prompt": "Name a colour", "system": "Be short.", "temperature": 0}
{"id": "b", "messages": [{"role": "user", "content": "Hello"}], "model": "ollama/llama3.2", "schema": {...}}
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.files import read_bytes
from opsvi_cli.sdk import JSON, Message, ModelRequest

from .json_answers import read_schema
from .models import ModelChoice, require_model
from .prompting import read_system

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_FIELDS = ("id", "prompt", "messages", "system", "model", "schema", "temperature", "max_tokens")
_ROLES = ("system", "user", "assistant")
_LARGEST = 200_000_000
_HINT = 'a line is {"id": "a", "prompt": "Name a colour"}'


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for the lines that do not say otherwise. `system` may be @FILE; `schema` is a file, JSON or fields."""

    model: str | None = None
    base_url: str | None = None
    system: str | None = None
    schema: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line, ready to be sent."""

    id: str
    choice: ModelChoice
    request: ModelRequest

    @property
    def fingerprint(self) -> str:
        """Changes when the line asks something else, or of another model: the old result is then none of it."""
        request = self.request
        said: dict[str, Any] = {
            "model": self.choice.name,
            "messages": [[message.role, message.text] for message in request.messages],
            "schema": request.schema,
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def read_items(app: AppContext, place: str, defaults: Defaults) -> list[Item]:
    """The lines of a file, or of stdin for `-`: all are checked before anything is sent.

    A line without `id` has its number as id. Raises UsageError that names the line.
    """
    name = "stdin" if place == "-" else place
    if place == "-":
        data = app.read_stdin_bytes(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"stdin: larger than {_LARGEST} bytes", hint="several files, a run for each")
    else:
        data = read_bytes(Path(app.cwd, place).expanduser(), place, limit=_LARGEST)
    reader = _Reader(app, name, defaults)
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    items = [reader.item(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise UsageError(f"{name} holds no prompts", hint=_HINT)
    return items


class _Reader:
    def __init__(self, app: AppContext, place: str, defaults: Defaults) -> None:
        self._app = app
        self._place = place
        self._defaults = defaults
        self._schema = read_schema(defaults.schema, app.cwd) if defaults.schema is not None else None
        self._system = read_system(defaults.system, app.cwd)
        self._choices: dict[str | None, ModelChoice] = {}
        self._seen: dict[str, int] = {}

    def item(self, line: bytes, number: int) -> Item:
        try:
            value = json.loads(line.decode())
        except UnicodeDecodeError as error:
            raise self._wrong(number, "is not UTF-8 text") from error
        except (ValueError, RecursionError) as error:
            raise self._wrong(number, "is not JSON") from error
        if isinstance(value, str):
            value = {"prompt": value}
        if not isinstance(value, dict):
            raise self._wrong(number, "is not a JSON object")
        if unknown := [name for name in value if name not in _FIELDS]:
            raise self._wrong(number, f"has {', '.join(map(repr, unknown))}, which is none of {', '.join(_FIELDS)}")
        identity = self._id(value, number)
        if (first := self._seen.setdefault(identity, number)) != number:
            raise self._wrong(number, f"has the id of line {first}, {identity!r}")
        choice = self._choice(self._text(value, "model", number))
        request = ModelRequest(
            model=choice.model,
            messages=self._messages(value, number),
            stream=False,
            temperature=self._number(value, "temperature", number, self._defaults.temperature),
            max_tokens=self._count(value, number),
            schema=self._schema_of(value, number),
        )
        return Item(identity, choice, request)

    def _id(self, value: Mapping[str, JSON], number: int) -> str:
        given = value.get("id")
        if given is None:
            return str(number)
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            raise self._wrong(number, "has an `id` that is no text and no number")
        return str(given)

    def _choice(self, name: str | None) -> ModelChoice:
        name = name or self._defaults.model
        if name not in self._choices:
            self._choices[name] = require_model(self._app, name, self._defaults.base_url)
        return self._choices[name]

    def _messages(self, value: Mapping[str, JSON], number: int) -> list[Message]:
        system = self._text(value, "system", number) or self._system
        prompt, turns = self._text(value, "prompt", number), value.get("messages")
        if (prompt is None) == (turns is None):
            raise self._wrong(number, "must have either `prompt` or `messages`")
        if prompt is not None:
            if not prompt.strip():
                raise self._wrong(number, "has an empty prompt")
            messages = [Message("user", prompt)]
        else:
            messages = [self._message(turn, number) for turn in turns] if isinstance(turns, list) else []
            if not any(message.role == "user" for message in messages):
                raise self._wrong(number, "has no message of the user in `messages`")
        if system and messages[0].role != "system":
            messages.insert(0, Message("system", system))
        return messages

    def _message(self, turn: JSON, number: int) -> Message:
        role = turn.get("role") if isinstance(turn, dict) else None
        content = turn.get("content") if isinstance(turn, dict) else None
        for known in _ROLES:
            if role == known and isinstance(content, str):
                return Message(known, content)  # type: ignore[arg-type]  # mypy does not see that these are roles
        raise self._wrong(number, 'has a message that is not {"role": "user", "content": "text"}')

    def _schema_of(self, value: Mapping[str, JSON], number: int) -> Mapping[str, JSON] | None:
        given = value.get("schema")
        if given is None:
            return self._schema
        try:
            return read_schema(given if isinstance(given, str) else json.dumps(given), self._app.cwd)
        except UsageError as error:
            raise self._wrong(number, f"has a schema that is none: {error.message}") from error

    def _text(self, value: Mapping[str, JSON], name: str, number: int) -> str | None:
        text = value.get(name)
        if text is not None and not isinstance(text, str):
            raise self._wrong(number, f"has a `{name}` that is no text")
        return text

    def _number(self, value: Mapping[str, JSON], name: str, number: int, default: float | None) -> float | None:
        found = value.get(name, default)
        if found is None:
            return None
        # JSON knows no Infinity and no NaN, Python's reader does; the comparison is false for both.
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found < math.inf:
            raise self._wrong(number, f"has a `{name}` that is no number of 0 or more")
        return found

    def _count(self, value: Mapping[str, JSON], number: int) -> int | None:
        found = self._number(value, "max_tokens", number, self._defaults.max_tokens)
        if found is not None and (not isinstance(found, int) or found < 1):
            raise self._wrong(number, "has a `max_tokens` that is no whole number above 0")
        return found

    def _wrong(self, number: int, what: str) -> UsageError:
        return UsageError(f"{self._place}, line {number} {what}", hint=_HINT)
