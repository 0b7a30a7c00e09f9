"""JSON Schemas of others, held against a value with an end.

`allOf` over `$ref` can double the work at each level, and no thread can be stopped in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import JSON


class TooManySteps(Exception):
    """A schema that asks for more work than a value is worth."""


def bounded_validator(schema: Mapping[str, JSON], *, steps: int, patterns: bool = True) -> Any:
    """A validator of jsonschema for the schema's own draft, which raises TooManySteps after so many keywords.

    Without `patterns` the regular expressions are left out: one of them can take for ever, and nothing stops it.
    """
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    found: Any = validator_for(schema)
    keywords: dict[str, Callable[..., Any]] = dict(found.VALIDATORS)
    if not patterns:
        additional = keywords["additionalProperties"]

        def unless_patterns(validator: Any, value: Any, instance: Any, within: Mapping[str, Any]) -> Iterator[Any]:
            if "patternProperties" not in within:
                yield from additional(validator, value, instance, within)

        keywords |= dict.fromkeys(("pattern", "patternProperties", "unevaluatedProperties"), _nothing)
        keywords["additionalProperties"] = unless_patterns
    make: Any = extend
    # An empty registry: a `$ref` to a URL is never fetched.
    return make(found, _counted(keywords, steps))(schema, registry=Registry())


def _counted(keywords: Mapping[str, Callable[..., Any]], left: int) -> dict[str, Callable[..., Any]]:
    """The same keywords, which end together after so many steps."""

    def counted(name: str, check: Callable[..., Any]) -> Callable[..., Any]:
        def step(validator: Any, value: Any, instance: Any, within: Mapping[str, Any]) -> Any:
            nonlocal left
            # Objects are compared each with each.
            pairs = len(instance) ** 2 // 100 if name == "uniqueItems" and isinstance(instance, list) else 0
            left -= 1 + pairs
            if left < 0:
                raise TooManySteps
            return check(validator, value, instance, within)

        return step

    return {name: counted(name, check) for name, check in keywords.items()}


def _nothing(*_: Any) -> tuple[()]:
    return ()
