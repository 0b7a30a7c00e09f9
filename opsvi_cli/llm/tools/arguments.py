"""The arguments of a call: JSON text as a model wrote it, checked against the tool's schema."""

from __future__ import annotations

import json
from typing import NoReturn

from opsvi_cli.errors import UsageError
from opsvi_cli.llm.schema_steps import TooManySteps, bounded_validator
from opsvi_cli.sdk import JSON, ToolSpec

_MOST_STEPS = 50_000


def parse_arguments(text: str, spec: ToolSpec, *, trusted: bool) -> dict[str, JSON]:
    """The arguments, parsed and valid. Raises UsageError, whose message the model reads.

    The regular expressions of a schema that is not `trusted` are left out: one of them can take for ever, and no thread
    can be stopped in it. The server of the tool has to check them anyway.
    """
    try:
        value = json.loads(text.strip() or "{}", parse_constant=_refuse)
        # Half a surrogate pair and 1e400 can be read, but no server or file takes what comes of them.
        value = json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the arguments are not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise UsageError("the arguments must be a JSON object")
    schema = dict(spec.parameters)
    try:
        validator = bounded_validator(schema, steps=_MOST_STEPS, patterns=trusted)
        problem = next(iter(validator.iter_errors(value)), None)
    except TooManySteps as error:
        raise UsageError(f"the schema of {spec.name} asks for more than {_MOST_STEPS} steps") from error
    except Exception as error:
        raise UsageError(f"the schema of {spec.name} cannot be used: {type(error).__name__}") from error
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path)) or "arguments"
        raise UsageError(f"{where}: {problem.message[:300]}")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
