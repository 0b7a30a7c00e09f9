"""The declared variables of a template: their types, and the values that `-p name=value` gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import JSON

TYPES = ("str", "int", "float", "bool", "choice", "file")
_KEYS = ("type", "default", "description", "required", "choices")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class Variable:
    """`default` is None for a variable that has none; `required` then says whether it may be left out."""

    name: str
    type: str
    description: str
    default: JSON
    required: bool
    choices: tuple[str, ...] = ()


def read_variables(given: object) -> tuple[Variable, ...]:
    """The declarations of a template. `name: value` is short for a default. Raises UsageError."""
    if not isinstance(given, Mapping):
        raise UsageError("`variables` is a table of names")
    found = []
    for name, spec in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(f"variable {str(name)[:80]!r}: a name is letters, digits and _")
        if name == "steps":
            raise UsageError("variable 'steps': the name stands for the answers of earlier steps")
        found.append(_variable(name, spec))
    return tuple(found)


def _variable(name: str, spec: object) -> Variable:
    if spec is None:
        spec = {}
    elif not isinstance(spec, Mapping):
        spec = {"default": spec}
    if unknown := [str(key) for key in spec if key not in _KEYS]:
        raise UsageError(f"variable {name}: unknown name {unknown[0][:80]!r}; there are {', '.join(_KEYS)}")
    default, choices = spec.get("default"), spec.get("choices")
    kind = spec.get("type") or ("choice" if choices else _type_of(default))
    if kind not in TYPES:
        raise UsageError(f"variable {name}: there is no type {str(kind)[:80]!r}; there are {', '.join(TYPES)}")
    listed = choices if isinstance(choices, list) else []
    if (kind == "choice") != bool(listed) or not all(isinstance(item, str) for item in listed):
        raise UsageError(f"variable {name}: `choices` is a list of texts, for the type choice")
    if kind == "file" and default is not None:
        # A template is not the user: it must not pick which of the user's files goes to a model.
        raise UsageError(f"variable {name}: a file has no default; the user names it")
    required = spec.get("required", default is None)
    if not isinstance(required, bool):
        raise UsageError(f"variable {name}: `required` is true or false")
    variable = Variable(name, str(kind), str(spec.get("description") or ""), None, required, tuple(listed))
    if default is None:
        return variable
    if isinstance(default, (bool, int, float, str)):
        text = str(default).lower() if isinstance(default, bool) else str(default)
        value = convert(variable, text, lambda path: path)
        return Variable(name, variable.type, variable.description, value, required, variable.choices)
    raise UsageError(f"variable {name}: its default is no {kind}")


def _type_of(default: object) -> str:
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float")):
        if isinstance(default, kind):
            return name
    return "str"


def convert(variable: Variable, text: str, read_file: Callable[[str], str]) -> JSON:
    """The value that `text` means. Raises UsageError that says what it should be."""
    word = text.strip().lower()
    try:
        match variable.type:
            case "int":
                return int(text)
            case "float":
                value = float(text)
                if value - value != 0:  # infinite, or no number
                    raise ValueError
                return value
            case "bool" if word in _TRUE | _FALSE:
                return word in _TRUE
            case "choice" if text in variable.choices:
                return text
            case "str":
                return text
            case "file":
                return read_file(text)
    except ValueError:
        pass
    wanted = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "choice": f"one of {', '.join(variable.choices)}",
    }[variable.type]
    raise UsageError(f"variable {variable.name}: {text[:80]!r} is not {wanted}", hint=f"-p {variable.name}=VALUE")


def parse_given(pairs: Sequence[str]) -> dict[str, str]:
    """`-p name=value` as a table. Raises UsageError."""
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"-p {pair!r}: not NAME=VALUE", hint="e.g. -p language=German")
        given[name] = value
    return given


def resolve(
    template: str,
    variables: Sequence[Variable],
    given: Mapping[str, str],
    *,
    read_file: Callable[[str], str],
    question: Callable[[Variable], str | None],
) -> dict[str, Any]:
    """The value of every variable: given, else the default, else what the person answers.

    `question` gives None when nobody can be asked. Raises UsageError for an unknown name, a value that does not fit,
    or a missing one, which names the variable and what it is for.
    """
    own = [variable for variable in variables if variable.name != "input"]
    for name in given:
        if name not in [variable.name for variable in own]:
            listed = ", ".join(variable.name for variable in own) or "none"
            raise UsageError(
                f"template {template} has no variable {name!r}; it has {listed}", hint=f"opsvi prompts show {template}"
            )
    values: dict[str, Any] = {}
    for variable in own:
        text = given.get(variable.name)
        if text is None and variable.required and variable.default is None:
            text = question(variable)
            if text is None:
                raise UsageError(
                    f"template {template} needs {variable.name}{_meaning(variable)}",
                    hint=f"-p {variable.name}={variable.choices[0] if variable.choices else 'VALUE'}",
                )
        if text is not None:
            values[variable.name] = convert(variable, text, read_file)
        else:
            values[variable.name] = "" if variable.default is None else variable.default
    return values


def _meaning(variable: Variable) -> str:
    choices = f" ({', '.join(variable.choices)})" if variable.choices else ""
    return f": {variable.description}{choices}" if variable.description else choices
