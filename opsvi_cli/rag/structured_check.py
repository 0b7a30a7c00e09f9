"""The check of a structured answer: each of its values must stand in a source.

Values carry no `[n]`; the source that holds a value is found by looking. Booleans, null and the words that the schema
itself lists (`enum`, `const`) are judgements, which no source states, and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from opsvi_cli.sdk import JSON, Citation

from .citations import LEAST_OVERLAP, Check, best_quote, overlap
from .context import NumberedSource
from .terms import digits_in, numbers


def check_values(text: str, schema: Mapping[str, JSON], sources: Sequence[NumberedSource]) -> Check:
    """Hold every string and number of a JSON answer against the sources."""
    try:
        answer = json.loads(text)
    except ValueError as error:
        return Check((), (text.strip(),), (f"the answer is not JSON: {error}",))
    chosen = set(_listed(schema))
    citations: dict[tuple[int, str], Citation] = {}
    unsupported: list[str] = []
    problems: list[str] = []
    for path, value in _leaves(answer, ""):
        if value in chosen:
            continue
        source = _holder(value, sources)
        if source is None:
            unsupported.append(value)
            problems.append(f"{path or 'the answer'}: {value!r} stands in no source")
            continue
        quote, offset = best_quote(value, source)
        hit = source.hit_at(offset)
        citations[source.n, quote] = Citation(source.n, source.source, hit.page if hit else None, quote, supported=True)
    return Check(tuple(citations.values()), tuple(unsupported), tuple(problems))


def _holder(value: str, sources: Sequence[NumberedSource]) -> NumberedSource | None:
    """The first source that holds the value: its words, and all of its numbers."""
    for source in sources:
        readable = f"{source.label}\n{source.text}"
        if set(digits_in(value)) <= numbers(readable) and overlap(value, readable) >= LEAST_OVERLAP:
            return source
    return None


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    """(where, text) of each string and number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    elif isinstance(value, str) and value.strip():
        yield path, value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, f"{value:g}" if isinstance(value, float) else str(value)


def _listed(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "enum" and isinstance(value, list):
                yield from map(str, value)
            elif key == "const":
                yield str(value)
            else:
                yield from _listed(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _listed(value)
