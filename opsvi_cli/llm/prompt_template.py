"""A template of the prompt library: a Markdown file with front matter, or a TOML file.

    ---
    description: Translate text
    system: You are a careful translator.
    variables:
      language: {type: str, description: the language to translate into, default: English}
    ---
    Translate into {{ language }}:

    {{ input | fence("text") }}

In TOML the same names are keys and the text is the key `prompt`. `steps` makes a chain: a list of prompts, asked in
order. A template is data that somebody wrote: it is read without running anything of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.sdk import JSON

from .json_answers import parse_schema, valid_schema
from .prompt_variables import Variable, read_variables

SUFFIXES = (".md", ".toml")
MOST_STEPS = 50
_LONGEST_FRONT = 100_000
_DEEPEST_FRONT = 50
_OPENED = re.compile(r"\ufeff?---[ \t]*\r?\n[ \t]*(?:#|[\w\"']+[ \t]*:)")
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_SETTINGS = ("system", "model", "schema", "temperature", "max_tokens")
_KEYS = ("description", *_SETTINGS, "variables", "steps", "prompt")
_STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class TemplateError(UsageError):
    """A template that cannot be used; `problem` is the message without the template's name."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"template {name}: {problem}", hint=f"opsvi prompts check {name}")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Step:
    """One prompt. `name` is empty in a template without steps."""

    name: str
    prompt: str
    system: str = ""
    model: str = ""
    schema: Mapping[str, JSON] | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    def sources(self) -> dict[str, str]:
        """The pieces that are rendered, by what they are called in messages."""
        name = f"step {self.name}, " if self.name else ""
        return {f"{name}prompt": self.prompt, f"{name}system": self.system}


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """`origin`: own, project, packaged or file. `source` is the file as it stands."""

    name: str
    origin: str
    path: Path
    source: str
    description: str
    variables: tuple[Variable, ...]
    steps: tuple[Step, ...]

    @property
    def is_chain(self) -> bool:
        return bool(self.steps[0].name)


def parse_template(name: str, text: str, *, origin: str, path: Path) -> PromptTemplate:
    """The template that `text` holds. Raises TemplateError for the first thing that is wrong with it."""
    try:
        data, body = _toml(text) if path.suffix == ".toml" else _markdown(text)
        _known(data, _KEYS, "")
        description = _text(data, "description", "")
        variables = read_variables(data.get("variables") or {})
        return PromptTemplate(name, origin, path, text, description, variables, _steps(data, body))
    except TemplateError:
        raise
    except OpsviError as error:
        raise TemplateError(name, error.message) from error


def _markdown(text: str) -> tuple[dict[str, Any], str]:
    match = _FRONT.match(text)
    if match is None:
        if _OPENED.match(text):
            raise UsageError(
                "the front matter has no end: a line of --- (a text that begins so takes a blank line first)"
            )
        return {}, text
    import yaml

    try:
        _bounded(match[1])
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 2}: " if mark is not None else ""
        raise UsageError(f"{where}the front matter is not YAML: {getattr(error, 'problem', None) or error}") from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"the front matter cannot be read: {error}") from error
    if data is not None and not isinstance(data, dict):
        raise UsageError("the front matter is no table of names and values")
    if data and "prompt" in data:
        raise UsageError("the prompt stands below the front matter, not in it")
    return data or {}, text[match.end() :].strip("\n")


def _bounded(front: str) -> None:
    """Refuse what costs the reader of YAML more than its length: aliases, and brackets in brackets."""
    import yaml

    if len(front) > _LONGEST_FRONT:
        raise UsageError(f"the front matter is longer than {_LONGEST_FRONT} characters")
    depth = 0
    for token in yaml.scan(front, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise UsageError("the front matter uses YAML aliases, which a template may not")
        depth += isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken))
        depth -= isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken))
        if depth > _DEEPEST_FRONT:
            raise UsageError("the front matter has too many brackets in one another")


def _toml(text: str) -> tuple[dict[str, Any], str]:
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"not TOML: {error}") from error
    return data, _text(data, "prompt", "").strip("\n")


def _steps(data: Mapping[str, Any], body: str) -> tuple[Step, ...]:
    if "steps" not in data:
        return (_step("", body, data, {}),)
    steps = data["steps"]
    if body.strip():
        raise UsageError("a template with `steps` has no text of its own; put it into a step")
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise UsageError(f"`steps` is a list of 1 to {MOST_STEPS} steps")
    found: list[Step] = []
    for number, item in enumerate(steps, 1):
        where = f"step {number}: "
        if not isinstance(item, dict):
            raise UsageError(f"{where}not a table of names and values")
        _known(item, ("name", "prompt", *_SETTINGS), where)
        name = item.get("name", f"step{number}")
        if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
            raise UsageError(f"{where}its name is letters, digits and _")
        if name in [step.name for step in found]:
            raise UsageError(f"{where}another step is called {name}")
        prompt = _text(item, "prompt", where)
        if not prompt.strip():
            raise UsageError(f"{where}it has no prompt")
        found.append(_step(name, prompt, item, data))
    if data.get("schema") is not None:
        raise UsageError("`schema` belongs to a step")
    return tuple(found)


def _step(name: str, prompt: str, item: Mapping[str, Any], defaults: Mapping[str, Any]) -> Step:
    """A step; what it does not say is taken from the template, except the schema."""
    where = f"step {name}: " if name else ""
    values = {**{key: defaults[key] for key in _SETTINGS if key in defaults}, **item}
    temperature = values.get("temperature")
    if temperature is not None and (
        isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not 0 <= temperature < math.inf
    ):
        raise UsageError(f"{where}`temperature` is a number of 0 or more")
    max_tokens = values.get("max_tokens")
    if max_tokens is not None and (isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1):
        raise UsageError(f"{where}`max_tokens` is a whole number above 0")
    return Step(
        name,
        prompt.strip("\n"),
        _text(values, "system", where),
        _text(values, "model", where),
        _schema(item.get("schema"), where),
        None if temperature is None else float(temperature),
        max_tokens,
    )


def _schema(given: object, where: str) -> dict[str, JSON] | None:
    if given is None:
        return None
    try:
        return parse_schema(given) if isinstance(given, str) else valid_schema(given)
    except UsageError as error:
        raise UsageError(f"{where}{error.message.replace('--schema', '`schema`', 1)}") from error


def _text(data: Mapping[str, Any], key: str, where: str) -> str:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where}`{key}` is a text")
    return value or ""


def _known(data: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in keys:
            raise UsageError(f"{where}unknown name {str(key)[:80]!r}; there are {', '.join(keys)}")
