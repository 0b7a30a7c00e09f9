"""Jinja2 for prompts: a sandbox without a loader, undefined names are errors, and every rendering has an end.

Templates are rendered in a child process (`foundation.bounded`) and see plain data only. A record with a field `fenced`
prints as that, so that a source which is printed whole stays between its fences. `{{ text | fence("name") }}` puts
text into a fence that it cannot close, see `fencing`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.bounded import BoundError, Limits, call_bounded

from .fencing import fenced

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

LIMITS = Limits(seconds=15, cpu_seconds=5, memory_bytes=1_000_000_000, answer_bytes=100_000_000)
MOST_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """`texts` by the names of the templates; `used`: the names from outside that they mention."""

    texts: Mapping[str, str]
    used: frozenset[str]


def render_templates(templates: Mapping[str, str], values: Mapping[str, Any], others: Sequence[str] = ()) -> Rendered:
    """Every template with the same values; of `others` only the names are looked at.

    Raises UsageError that says which of them is wrong, and where.
    """
    answer = _ask({"templates": dict(templates), "values": dict(values), "others": list(others)})
    if "error" in answer:
        raise UsageError(str(answer["error"]), hint="opsvi prompts check says what else is wrong with a template")
    return Rendered(answer["texts"], frozenset(answer["used"]))


def names_in(templates: Mapping[str, str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """(names from outside, by template; what is wrong with the syntax, by template). Nothing is rendered."""
    answer = _ask({"templates": dict(templates)})
    return answer["names"], answer["errors"]


def steps_in(templates: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of earlier steps that each template of a chain mentions. Nothing is rendered."""
    steps: dict[str, list[str]] = _ask({"templates": dict(templates)})["steps"]
    return steps


def _ask(request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = call_bounded(f"{__name__}:serve", request, LIMITS)
    except BoundError as error:
        raise UsageError(f"the template: {error}", hint="a template that loops has to end soon") from None
    return answer


def serve(request: Mapping[str, Any]) -> dict[str, Any]:
    """In the child: texts, names or errors, as plain data."""
    from jinja2 import meta

    environment = _environment()
    names: dict[str, list[str]] = {}
    steps: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for name, source in request["templates"].items():
        try:
            tree = environment.parse(source)
            names[name] = sorted(meta.find_undeclared_variables(tree))
            steps[name] = _steps(tree)
        except Exception as error:  # noqa: BLE001 - the parser meets text of strangers
            errors[name] = _said(error)
    if "values" not in request:
        return {"names": names, "errors": errors, "steps": steps}
    texts: dict[str, str] = {}
    values = {name: _plain(value) for name, value in request["values"].items()}
    for name, source in request["templates"].items():
        try:
            texts[name] = _bounded_text(environment.from_string(source).generate(values))
        except Exception as error:  # noqa: BLE001 - a template may fail in any way
            return {"error": f"{name}: {_said(error)}"}
    for source in request["others"]:
        with contextlib.suppress(Exception):  # said when its turn comes
            names[source] = sorted(meta.find_undeclared_variables(environment.parse(source)))
    return {"texts": texts, "used": sorted({used for found in names.values() for used in found})}


def _steps(tree: Any) -> list[str]:
    """NAME of every `steps.NAME` and `steps["NAME"]`."""
    from jinja2 import nodes

    found = set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if isinstance(node.node, nodes.Name) and node.node.name == "steps":
            name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
            found |= {name} if isinstance(name, str) else set()
    return sorted(found)


def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Not optimized: what is constant would be worked out while the names are looked for.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, optimized=False)
    environment.globals = {name: environment.globals[name] for name in ("range", "dict", "namespace")}
    environment.filters["fence"] = lambda text, name="text": fenced(str(text).strip("\n"), str(name))
    return environment


def _bounded_text(pieces: Any) -> str:
    text = []
    length = 0
    for piece in pieces:
        text.append(piece)
        length += len(piece)
        if length > MOST_CHARACTERS:
            raise OverflowError(f"it gives more than {MOST_CHARACTERS} characters")
    return "".join(text)


def _said(error: Exception) -> str:
    what = str(error) or type(error).__name__
    if isinstance(error, RecursionError):
        what = "it is nested too deeply"
    elif isinstance(error, MemoryError):
        what = f"it takes more than {LIMITS.memory_bytes} bytes of memory"
    line = getattr(error, "lineno", None)
    return (f"line {line}: " if isinstance(line, int) else "") + what


class _Record(dict[str, Any]):
    def __str__(self) -> str:
        return str(self["fenced"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return (_Record if "fenced" in value else dict)({name: _plain(item) for name, item in value.items()})
    return [_plain(item) for item in value] if isinstance(value, list) else value
