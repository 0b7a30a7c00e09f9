"""The options that every command takes, before or after its name.

They are taken out of the argument list before the command's own parser sees it; the walk knows which of the command's
options take a value, so `--system --json` stays a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .errors import UsageError

COLOR_CHOICES = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """`json` is None without `--json`, else the fields to keep (empty: all). `timeout` is in seconds."""

    json: tuple[str, ...] | None = None
    jsonl: bool = False
    quiet: bool = False
    verbose: int = 0
    debug: bool = False
    no_input: bool = False
    yes: bool = False
    color: str = "auto"
    config: str | None = None
    profile: str | None = None
    timeout: float | None = None
    help: bool = False

    @property
    def machine(self) -> bool:
        """True when stdout is read by a program."""
        return self.json is not None or self.jsonl


class Flag(NamedTuple):
    names: tuple[str, ...]
    value: str
    """What stands for its value in the help; empty for a switch."""
    help: str


FLAGS: tuple[Flag, ...] = (
    Flag(("--json",), "[FIELDS]", "One JSON document on stdout; FIELDS picks some, e.g. --json=rank,text"),
    Flag(("--jsonl",), "", "One JSON object a line, as soon as it is known"),
    Flag(("-q", "--quiet"), "", "No messages; data and errors stay"),
    Flag(("-v", "--verbose"), "", "Say more on stderr; -vv says everything"),
    Flag(("--debug",), "", "Show the traceback of an error"),
    Flag(("--no-input",), "", "Never ask; fail instead"),
    Flag(("-y", "--yes"), "", "Answer yes to every question"),
    Flag(("--color",), "WHEN", "auto, always or never"),
    Flag(("--config",), "FILE", "Read this settings file as well"),
    Flag(("--profile",), "NAME", "Use the settings under [profiles.NAME]"),
    Flag(("--timeout",), "SECONDS", "Give up after this time (also 30s, 5m), exit 124"),
    Flag(("-h", "--help"), "", "Show help: of opsvi, or of the command"),
)
_BY_NAME = {name: flag for flag in FLAGS for name in flag.names}
_FIELD_LIST = re.compile(r"[a-z_]+(,[a-z_]+)*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str, flag: str) -> float:
    """Seconds from `30`, `1.5s`, `5m`, `2h`, `200ms`. Raises UsageError that names `flag`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"{flag}: {text!r} is not a time", hint=f"{flag} 30s, {flag} 5m")
    return float(match[1]) * _SECONDS[match[2]]


def _apply(options: GlobalOptions, name: str, value: str) -> GlobalOptions:
    match name.lstrip("-"):
        case "json":
            return replace(options, json=tuple(part for part in value.split(",") if part))
        case "q" | "quiet":
            return replace(options, quiet=True)
        case "v" | "verbose":
            return replace(options, verbose=options.verbose + 1)
        case "y" | "yes":
            return replace(options, yes=True)
        case "h" | "help":
            return replace(options, help=True)
        case "color":
            if value not in COLOR_CHOICES:
                raise UsageError(f"--color: {value!r} is none of {', '.join(COLOR_CHOICES)}", hint="--color never")
            return replace(options, color=value)
        case "timeout":
            return replace(options, timeout=parse_duration(value, "--timeout"))
        case "config" | "profile" as key:
            return replace(options, **{key: value})  # type: ignore[arg-type]
        case switch:
            return replace(options, **{switch.replace("-", "_"): True})  # type: ignore[arg-type]


def _expand_short(token: str) -> list[str]:
    """`-vv`, `-qv` as single switches; anything else as it is."""
    letters = token[1:]
    if token[:1] == "-" and len(token) > 2 and letters and set(letters) <= {"v", "q", "y"}:
        return [f"-{letter}" for letter in letters]
    return [token]


def take_globals(
    args: Sequence[str],
    options: GlobalOptions,
    *,
    takes_value: Callable[[str], bool] = lambda _name: False,
    positionals: int = 0,
    stop_at_word: bool = False,
) -> tuple[GlobalOptions, list[str]]:
    """Split `args` into what is global and the rest, in order.

    `takes_value` says whether an option of the command is followed by its value. `--json WORD` reads WORD as a list of
    fields when the command takes no positional argument (`positionals` == 0) or WORD has a comma; `--json=WORD` always.
    With `stop_at_word` the walk ends before the first word that is not an option: the command's name.
    """
    queue = [piece for token in _before_separator(args) for piece in _expand_short(token)]
    tail = list(args[len(_before_separator(args)) :])
    rest: list[str] = []
    while queue:
        token = queue.pop(0)
        name, equals, value = token.partition("=")
        flag = _BY_NAME.get(name)
        if flag is None or takes_value(name):
            if stop_at_word and not (token.startswith("-") and token != "-"):
                return options, [*rest, token, *queue, *tail]
            rest.append(token)
            if not equals and queue and takes_value(token):
                rest.append(queue.pop(0))
        elif name == "--json":
            if not equals and queue and _reads_as_fields(queue[0], positionals, stop_at_word):
                value = queue.pop(0)
            options = _apply(options, name, value)
        elif flag.value:
            if not equals:
                if not queue:
                    raise UsageError(f"option {name} needs a value: {flag.value}", hint="opsvi help formatting")
                value = queue.pop(0)
            options = _apply(options, name, value)
        elif equals:
            raise UsageError(f"option {name} takes no value")
        else:
            options = _apply(options, name, "")
    return options, rest + tail


def _before_separator(args: Sequence[str]) -> Sequence[str]:
    return args[: args.index("--")] if "--" in args else args


def _reads_as_fields(word: str, positionals: int, before_command: bool) -> bool:
    if before_command or not _FIELD_LIST.fullmatch(word):
        return False
    return positionals == 0 or "," in word
