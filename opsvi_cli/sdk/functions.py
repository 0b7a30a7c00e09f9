"""A tool out of a typed Python function: its hints become the JSON Schema, its docstring the description.

    @tool(side_effects=False)
    def word_count(text: Annotated[str, "what is counted"]) -> int:
        "Counts the words of a text."
        return len(text.split())

`registry.tool("word_count", "my_plugin.tools:word_count", help=...)` registers it. A first parameter annotated
`Services` is handed opsvi's services and is no part of the schema. What a parameter is for is said by `Annotated`, or
by a line `text: what is counted` of the docstring. Parameters that are dataclasses are built from JSON objects.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NotRequired,
    ParamSpec,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
    overload,
)

from opsvi_cli.errors import PluginError, UsageError

from .documents import JSON
from .messages import ToolSpec
from .parts import Services

P = ParamSpec("P")
R = TypeVar("R")
_PARAMETER = re.compile(r"\s*(?::param\s+(?:\S+\s+)?)?(\w+)(?:\s*\([^)]*\))?:\s+(\S.*)")
_SIMPLE: Mapping[Any, dict[str, JSON]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list: {"type": "array"},
    dict: {"type": "object"},
    type(None): {"type": "null"},
    Any: {},
}


class ToolFunction(Generic[P, R]):
    """What `tool` gives: a part for the registry. `function` is the function itself, for tests."""

    def __init__(self, function: Callable[P, R], name: str, *, side_effects: bool, taints: bool) -> None:
        self.function = function
        self.side_effects = side_effects
        self.taints = taints
        self.spec = ToolSpec(name, _description(function), _parameters(function))

    def __call__(self, services: Services) -> FunctionTool:
        """Build the tool, as opsvi builds every part."""
        return FunctionTool(self, services)


class FunctionTool:
    """An `sdk.Tool` that calls a function."""

    def __init__(self, declared: ToolFunction[Any, Any], services: Services) -> None:
        self._declared = declared
        self._hints = _hints(declared.function)
        self._services = (services,) if _wants_services(declared.function) else ()
        self.spec = declared.spec
        self.side_effects = declared.side_effects
        self.taints = declared.taints

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        """Check the arguments against the schema and call. Raises UsageError for those that do not fit."""
        from jsonschema import Draft202012Validator

        problem = next(iter(Draft202012Validator(dict(self.spec.parameters)).iter_errors(dict(arguments))), None)
        if problem is not None:
            raise UsageError(f"{self.spec.name}: {problem.message[:300]}")
        given = {name: _as_hinted(self._hints[name], value) for name, value in arguments.items()}
        result: JSON = self._declared.function(*self._services, **given)
        return result


@overload
def tool(function: Callable[P, R], /) -> ToolFunction[P, R]: ...


@overload
def tool(
    *, name: str = "", side_effects: bool = True, taints: bool = True
) -> Callable[[Callable[P, R]], ToolFunction[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None, /, *, name: str = "", side_effects: bool = True, taints: bool = True
) -> ToolFunction[P, R] | Callable[[Callable[P, R]], ToolFunction[P, R]]:
    """Make a tool of a function, with or without arguments: `@tool`, `@tool(side_effects=False)`.

    `side_effects`: a call changes, sends or spends something. `taints`: the result may hold text of others. Both are
    true unless said otherwise. Raises PluginError for a parameter whose type has no JSON Schema.
    """

    def decorate(function: Callable[P, R]) -> ToolFunction[P, R]:
        return ToolFunction(function, name or function.__name__, side_effects=side_effects, taints=taints)

    return decorate if function is None else decorate(function)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise PluginError(f"tool {function.__name__}: its types cannot be read: {error}") from error


def _wants_services(function: Callable[..., Any]) -> bool:
    names = list(inspect.signature(function).parameters)
    return bool(names) and _hints(function).get(names[0]) is Services


def _description(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function) or ""
    if not text.strip():
        raise PluginError(f"tool {function.__name__} has no docstring: models choose a tool by its description")
    return " ".join(text.split("\n\n", 1)[0].split())


def _said_of_parameters(function: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of parameters: `name: text` or `:param name: text`, going on in deeper lines."""
    said: dict[str, str] = {}
    current, depth = "", 0
    for line in (inspect.getdoc(function) or "").splitlines()[1:]:
        indent = len(line) - len(line.lstrip())
        if found := _PARAMETER.match(line):
            current, depth = found[1], indent
            said[current] = found[2].strip()
        elif current and line.strip() and indent > depth:
            said[current] += " " + line.strip()
        else:
            current = ""
    return said


def _parameters(function: Callable[..., Any]) -> dict[str, JSON]:
    hints, said = _hints(function), _said_of_parameters(function)
    properties: dict[str, JSON] = {}
    required: list[JSON] = []
    parameters = list(inspect.signature(function).parameters.values())[1 if _wants_services(function) else 0 :]
    for parameter in parameters:
        where = f"tool {function.__name__}, parameter {parameter.name}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise PluginError(f"{where}: name each parameter, without * and /")
        if parameter.name not in hints:
            raise PluginError(f"{where} has no type")
        try:
            schema = _schema(hints[parameter.name], where)
        except RecursionError as error:
            raise PluginError(f"{where}: a type that holds itself has no JSON Schema here") from error
        if parameter.name in said:
            schema.setdefault("description", said[parameter.name])
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        else:
            schema["default"] = parameter.default
        properties[parameter.name] = schema
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema(hint: Any, where: str) -> dict[str, JSON]:
    """The JSON Schema of a type (draft 2020-12)."""
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Required, NotRequired):
        return _schema(args[0], where)
    if origin is Annotated:
        described = [extra for extra in args[1:] if isinstance(extra, str)]
        schema = _schema(args[0], where)
        return {**schema, "description": described[0]} if described else schema
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(arg, where) for arg in args]}
    if origin is list:
        return {"type": "array", "items": _schema(args[0], where)}
    if origin is dict and args[0] is str:
        return {"type": "object", "additionalProperties": _schema(args[1], where)}
    if dataclasses.is_dataclass(hint) or is_typeddict(hint):
        return _record(hint, where)
    raise PluginError(
        f"{where}: the type {hint} has no JSON Schema; use str, int, float, bool, list, dict, Literal, "
        "a dataclass or a TypedDict"
    )


def _record(hint: Any, where: str) -> dict[str, JSON]:
    """A dataclass or TypedDict: its fields, and no others."""
    fields = get_type_hints(hint, include_extras=True)
    if is_typeddict(hint):
        # As text (`from __future__ import annotations`), Required and NotRequired are not in __required_keys__ yet.
        kinds = {name: get_origin(inner) for name, inner in fields.items()}
        required = [
            name
            for name, kind in kinds.items()
            if kind is Required or (kind is not NotRequired and name in hint.__required_keys__)
        ]
    else:
        required = [
            field.name
            for field in dataclasses.fields(hint)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
    properties: dict[str, JSON] = {name: _schema(inner, f"{where}.{name}") for name, inner in fields.items()}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _as_hinted(hint: Any, value: JSON) -> Any:
    """Objects of JSON as the dataclasses that the function takes; everything else as it is."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Annotated, Required, NotRequired):
        return _as_hinted(args[0], value)
    if origin in (Union, types.UnionType):
        records = [arg for arg in args if dataclasses.is_dataclass(arg)]
        return _as_hinted(records[0], value) if len(records) == 1 and isinstance(value, dict) else value
    if origin is list and isinstance(value, list):
        return [_as_hinted(args[0], item) for item in value]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        fields = get_type_hints(hint, include_extras=True)
        return hint(**{name: _as_hinted(fields[name], item) for name, item in value.items()})
    return value
