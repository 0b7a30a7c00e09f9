"""The arguments of a call: JSON text as a model wrote it, checked against the tool's schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import JSON, ToolSpec

_MOST_STEPS = 50_000
"""Keywords of a schema that are looked at for one call. `allOf` over `$ref` can double the work at each level, and no
thread can be stopped in it."""


class _TooManySteps(Exception):
    """A schema that asks for more work than a call is worth."""


def parse_arguments(text: str, spec: ToolSpec, *, trusted: bool) -> dict[str, JSON]:
    """The arguments, parsed and valid. Raises UsageError, whose message the model reads.

    The regular expressions of a schema that is not `trusted` are left out: one of them can take for ever, and no thread
    can be stopped in it. The server of the tool has to check them anyway.
    """
    from referencing import Registry

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
        # An empty registry: a `$ref` to a URL is never fetched.
        validator = _validator_for(schema, trusted)(schema, registry=Registry())
        problem = next(iter(validator.iter_errors(value)), None)
    except _TooManySteps as error:
        raise UsageError(f"the schema of {spec.name} asks for more than {_MOST_STEPS} steps") from error
    except Exception as error:
        raise UsageError(f"the schema of {spec.name} cannot be used: {type(error).__name__}") from error
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path)) or "arguments"
        raise UsageError(f"{where}: {problem.message[:300]}")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _validator_for(schema: Mapping[str, JSON], trusted: bool) -> Any:
    from jsonschema.validators import extend, validator_for

    found: Any = validator_for(schema)
    keywords: dict[str, Callable[..., Any]] = dict(found.VALIDATORS)
    if not trusted:
        additional = keywords["additionalProperties"]

        def unless_patterns(validator: Any, value: Any, instance: Any, within: Mapping[str, Any]) -> Iterator[Any]:
            if "patternProperties" not in within:
                yield from additional(validator, value, instance, within)

        keywords |= dict.fromkeys(("pattern", "patternProperties", "unevaluatedProperties"), _nothing)
        keywords["additionalProperties"] = unless_patterns
    make: Any = extend
    return make(found, _counted(keywords))


def _counted(keywords: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The same keywords, which end together after so many steps."""
    left = _MOST_STEPS

    def counted(name: str, check: Callable[..., Any]) -> Callable[..., Any]:
        def step(validator: Any, value: Any, instance: Any, within: Mapping[str, Any]) -> Any:
            nonlocal left
            # Objects are compared each with each.
            pairs = len(instance) ** 2 // 100 if name == "uniqueItems" and isinstance(instance, list) else 0
            left -= 1 + pairs
            if left < 0:
                raise _TooManySteps
            return check(validator, value, instance, within)

        return step

    return {name: counted(name, check) for name, check in keywords.items()}


def _nothing(*_: Any) -> tuple[()]:
    return ()
