"""`--schema`: reading a JSON Schema and checking an answer against it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opsvi_cli.errors import OpsviError, ProviderError, UsageError
from opsvi_cli.foundation.files import read_text
from opsvi_cli.sdk import JSON

from .code_blocks import code_blocks
from .field_notation import DATE_PATTERN, fields_schema, looks_like_fields
from .schema_steps import TooManySteps, bounded_validator

_MOST_TRIES = 100
_MOST_STEPS = 100_000
_TOO_MUCH = "the schema asks for more work than an answer is worth"
_SECONDS = 5
_MEMORY = 1_000_000_000
_OWN_PATTERN = f'"pattern": {json.dumps(DATE_PATTERN)}'
_WAYS = "a file, JSON: '{...}', or fields: 'name, age int, tags [str]'"


class UnfitAnswerError(ProviderError):
    """An answer that does not satisfy its schema; `problem` says why, for the model."""

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(
            f"{model}: the answer does not satisfy --schema: {problem}",
            kind="bad-response",
            hint="try again, or a model that follows schemas",
        )
        self.problem = problem
        self.text = ""
        """The answer itself, so that it is not lost."""


def read_schema(given: str, cwd: str) -> dict[str, JSON]:
    """A JSON Schema from a file, written out as JSON, or in field notation.

    Raises UsageError, also for a schema that is not valid.
    """
    if not given.strip():
        raise UsageError("--schema is empty", hint=f"give {_WAYS}")
    text = given
    if not given.lstrip().startswith("{"):
        path = Path(cwd, given.removeprefix("@"))
        if not given.startswith("@") and looks_like_fields(given) and not _is_file(path):
            return fields_schema(given)
        text = read_text(path, f"--schema {given}", hint=f"give {_WAYS}")
    return parse_schema(text)


def parse_schema(text: str) -> dict[str, JSON]:
    """A JSON Schema from JSON, or from field notation in a file. Raises UsageError."""
    if not text.lstrip().startswith("{") and looks_like_fields(text):
        return fields_schema(text)
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--schema: not JSON: {error}", hint="https://json-schema.org says how") from error
    return valid_schema(schema)


def valid_schema(schema: object) -> dict[str, JSON]:
    """The schema itself. Raises UsageError when it is none."""
    if not isinstance(schema, dict):
        raise UsageError("--schema: a JSON Schema is an object", hint="""e.g. '{"type": "object"}'""")
    if not isinstance(schema.get("$schema", ""), str):
        raise UsageError("--schema: `$schema` is a text", hint="https://json-schema.org says how")
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except RecursionError as error:
        raise UsageError("--schema: nested too deeply", hint="give a simpler one") from error
    except SchemaError as error:
        raise UsageError(
            f"--schema: not a JSON Schema: {error.message[:200]}", hint="https://json-schema.org says how"
        ) from error
    return schema


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text too long for a name, or with a NUL
        return False


def check_answer(text: str, schema: Mapping[str, JSON], model: str) -> JSON:
    """The value that `text` holds, which may stand in a code block or among words.

    Raises UnfitAnswerError when it is no JSON or does not satisfy the schema.
    """
    problem: OpsviError | None = None
    for value in _values(text):
        try:
            _satisfies(value, schema, model)
        except UnfitAnswerError as error:
            problem = problem or error
        else:
            return value
    if problem is not None:
        raise problem
    try:
        _decoded(text)
    except (ValueError, RecursionError) as error:
        raise UnfitAnswerError(model, f"it is not JSON: {error}") from error
    raise UnfitAnswerError(model, "it is not JSON")


def _satisfies(value: JSON, schema: Mapping[str, JSON], model: str) -> None:
    request: dict[str, JSON] = {"value": value, "schema": dict(schema)}
    try:
        found = _look_elsewhere(request) if _has_patterns(schema) else look(request)
    except RecursionError as error:
        raise UnfitAnswerError(model, _TOO_MUCH) from error
    if "unresolved" in found:
        raise UsageError(f"--schema: {found['unresolved']} cannot be resolved", hint="write it into the schema itself")
    if "problem" in found:
        raise UnfitAnswerError(model, found["problem"])


def _has_patterns(schema: Mapping[str, JSON]) -> bool:
    """True when a regular expression of others is in it, which can take for ever."""
    return '"pattern' in json.dumps(schema).replace(_OWN_PATTERN, "")


def _look_elsewhere(request: Mapping[str, JSON]) -> dict[str, str]:
    from opsvi_cli.foundation.bounded import BoundError, Limits, call_bounded

    try:
        limits = Limits(seconds=3.0 * _SECONDS, cpu_seconds=_SECONDS, memory_bytes=_MEMORY)
        found: dict[str, str] = call_bounded(f"{__name__}:look", request, limits)
    except BoundError:
        return {"problem": _TOO_MUCH}
    return found


def look(request: Mapping[str, Any]) -> dict[str, str]:
    """Hold `value` against `schema`: empty, or the first `problem`, or the reference that is `unresolved`."""
    from referencing.exceptions import Unresolvable

    validator = bounded_validator(request["schema"], steps=_MOST_STEPS)
    try:
        problems = sorted(validator.iter_errors(request["value"]), key=lambda e: list(map(str, e.absolute_path)))
    except Unresolvable as error:
        return {"unresolved": str(error.ref)}
    except TooManySteps:
        return {"problem": _TOO_MUCH}
    if not problems:
        return {}
    where = "/".join(map(str, problems[0].absolute_path)) or "the answer"
    return {"problem": f"{where}: {problems[0].message[:200]}"}


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is no number of JSON")
    return number


# Python reads and writes NaN and Infinity, JSON has neither: what reads the answer next would fail at them.
_DECODER = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


def _decoded(text: str) -> JSON:
    value: JSON = _DECODER.decode(text)
    return value


def _values(text: str) -> Iterator[JSON]:
    """What the answer may mean, the likeliest first: all of it, a code block, an object or list among words."""
    try:
        yield _decoded(text)
    except (ValueError, RecursionError):
        pass
    else:
        return
    if "```" in text or "~~~" in text:
        for block in reversed(code_blocks(text)):
            try:
                yield _decoded(block.text)
            except (ValueError, RecursionError):
                continue
    yield from _among_words(text)


def _among_words(text: str) -> Iterator[JSON]:
    at = tries = 0
    while tries < _MOST_TRIES:
        starts = [found for found in (text.find("{", at), text.find("[", at)) if found >= 0]
        if not starts:
            return
        at = min(starts)
        tries += 1
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            yield value
