"""`opsvi plugins check`: a plugin is loaded, and each of its parts held to its contract, in processes of their own.

The children run `opsvi_cli.testing.inspection`. There is one for the plugin module and one for each part, so that what
hangs, crashes or ends its process is one line of the report and hides nothing else.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opsvi_cli.errors import NotFoundError, PluginError, UsageError
from opsvi_cli.foundation.bounded import Ended, Limits, run_bounded
from opsvi_cli.foundation.terminal import plain

from .discovery import Candidate, find_candidates
from .named import candidates_of

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

CHECK_FIELDS = ("check", "status", "detail")
LOADING = Limits()
CONTRACT = Limits(seconds=180.0, cpu_seconds=120)
Status: TypeAlias = Literal["ok", "warning", "failed", "skipped"]
_LONGEST = 400
# Opsvi itself is found from a checkout as well; the current directory is no place for modules (-P).
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from opsvi_cli.testing.inspection import main; main()"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report; `detail` is a sentence or a part of one."""

    check: str
    status: Status
    detail: str


def check_plugin(
    app: AppContext, name: str, *, loading: Limits = LOADING, contract: Limits = CONTRACT
) -> Iterator[Row]:
    """Rows as they come: loads, api, hooks, imports, effects, licence, permissions, then `KIND:NAME` for each part.

    `name` is a plugin, its distribution, or a module or path as in OPSVI_PLUGINS. Raises NotFoundError, UsageError,
    DeadlineError.
    """
    plugin, item = _find(app, name)
    ended = _child(app, plugin, item, "", loading)
    yield from _rows(ended, "loads")
    yield from _printed(ended)
    for answer in ended.answers:
        if isinstance(part := answer.get("part"), str):
            ended = _child(app, plugin, item, part, contract)
            yield from _rows(ended, plain(part))


def failure(name: str, rows: list[Row], *, strict: bool) -> PluginError | None:
    """What the command ends with: failed checks, and with `strict` warnings too."""
    bad = [row for row in rows if row.status == "failed" or (strict and row.status == "warning")]
    if not bad:
        return None
    checks = ", ".join(dict.fromkeys(row.check for row in bad))
    return PluginError(f"plugin {name!r} did not pass: {checks}", hint="each line above says what was expected")


def _find(app: AppContext, name: str) -> tuple[str, str]:
    """(the plugin's name, its item for OPSVI_PLUGINS when it was given as one)."""
    if name == "opsvi":
        raise UsageError("the built-in parts are tested with opsvi itself", hint="name a plugin: opsvi plugins list")
    candidates = candidates_of(app)
    wanted = name.lower().replace("_", "-")
    for matches in (lambda found: found.name == name, lambda found: wanted in _words(found)):
        if found := next(filter(matches, candidates), None):
            return found.name, ""
    if os.sep in name or "/" in name or name.endswith(".py"):
        item = str(Path(app.cwd, name).expanduser().absolute())
        if not os.path.exists(item):
            raise NotFoundError(f"there is no {name}", hint="opsvi plugins check ./my_plugin.py")
    elif _is_module(name):
        item = name
    else:
        from difflib import get_close_matches

        near = get_close_matches(name, [found.name for found in candidates], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise NotFoundError(
            f"there is no plugin or module {name!r}", hint=f"{hint}`opsvi plugins list` names the plugins"
        )
    named = find_candidates({"OPSVI_PLUGINS": item}, app.paths)
    return next(found.name for found in named if found.origin == "environment"), item


def _words(found: Candidate) -> set[str]:
    names = (found.name, found.distribution, found.distribution.removeprefix("opsvi-"))
    return {word.lower().replace("_", "-") for word in names}


def _is_module(name: str) -> bool:
    """Only the first package is looked for: finding the rest would import it."""
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _child(app: AppContext, plugin: str, item: str, part: str, limits: Limits) -> Ended:
    left = app.remaining()
    if left is not None:
        limits = Limits(min(limits.seconds, left), limits.cpu_seconds, limits.memory_bytes, limits.output_bytes)
    request: dict[str, Any] = {
        "plugin": plugin,
        "given": bool(item),
        "part": part,
        "cwd": app.cwd,
        "config": app.options.config,
        "profile": app.options.profile,
        "limits": asdict(limits),
    }
    env = {key: value for key, value in app.env.items() if key not in ("OPSVI_NO_PLUGINS", "OPSVI_STRICT_PLUGINS")}
    if item:
        env["OPSVI_PLUGINS"] = item
    root = str(Path(__file__).resolve().parents[2])
    ended = run_bounded([sys.executable, "-P", "-c", _PROGRAM, root], request, env, limits)
    app.remaining()
    return ended


def _rows(ended: Ended, check: str) -> Iterator[Row]:
    """The rows of a child, and one for the check in which it came to an end before its time."""
    for answer in ended.answers:
        row = answer.get("row")
        if isinstance(row, list) and len(row) == 3 and row[1] in ("ok", "warning", "failed", "skipped"):
            yield Row(plain(str(row[0])), row[1], _line(str(row[2])))
    if ended.why:
        yield Row(check, "failed", ended.why)


def _printed(ended: Ended) -> Iterator[Row]:
    text = ended.printed.strip()
    if text and not ended.why:
        first = _line(text.splitlines()[0])
        yield Row("prints", "warning", f"importing it prints {len(ended.printed)} characters: {first}")


def _line(text: str) -> str:
    line = " ".join(plain(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
