"""`--schema`: reading a JSON Schema and checking an answer against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from opsvi_cli.errors import ProviderError, UsageError
from opsvi_cli.sdk import JSON

_LARGEST = 1_000_000


def read_schema(given: str, cwd: str) -> dict[str, JSON]:
    """A JSON Schema from a file, or written out as JSON. Raises UsageError, also for a schema that is not valid."""
    text = given
    if not given.lstrip().startswith("{"):
        path = Path(cwd, given)
        try:
            if path.stat().st_size > _LARGEST:
                raise UsageError(f"--schema {given}: larger than {_LARGEST} bytes")
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--schema {given}: {error.strerror}", hint="give a file, or JSON: '{...}'") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"--schema {given}: not UTF-8 text", hint="give a file with JSON") from error
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--schema: not JSON: {error}", hint="https://json-schema.org says how") from error
    if not isinstance(schema, dict):
        raise UsageError("--schema: a JSON Schema is an object", hint="""e.g. '{"type": "object"}'""")
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise UsageError(
            f"--schema: not a JSON Schema: {error.message[:200]}", hint="https://json-schema.org says how"
        ) from error
    return schema


def check_answer(text: str, schema: Mapping[str, JSON], model: str) -> JSON:
    """The value that `text` holds. Raises ProviderError when it is no JSON or does not satisfy the schema."""
    try:
        value: JSON = json.loads(_without_fence(text))
    except (ValueError, RecursionError) as error:
        raise _wrong(model, f"it is not JSON: {error}") from error
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # An empty registry: a `$ref` to a URL is never fetched.
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        problem = next(iter(sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))), None)
    except Unresolvable as error:
        raise UsageError(f"--schema: {error.ref} cannot be resolved", hint="write it into the schema itself") from error
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path)) or "the answer"
        raise _wrong(model, f"{where}: {problem.message[:200]}")
    return value


def _wrong(model: str, what: str) -> ProviderError:
    return ProviderError(
        f"{model}: the answer does not satisfy --schema: {what}",
        kind="bad-response",
        hint="try again, or a model that follows schemas",
    )


def _without_fence(text: str) -> str:
    """Models like to wrap JSON into a Markdown code block."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped.split("\n", 1)[1].removesuffix("```")
    return stripped
