"""Whether a model may call a tool: by the user's globs, what the tool does, and what the model has read.

`deny` wins over `ask`, `ask` over `allow`. What no glob names is asked for, except built-in tools without side effects.
A context that holds text of others (documents, web pages, results of tools) may hold orders to the model: then a tool
with side effects is always asked for, whatever is allowed (prompt injection, OWASP LLM01).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opsvi_cli.foundation.schema import Tools

Verdict = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is for people, and for the model when it is refused."""

    verdict: Verdict
    reason: str


def decide(name: str, settings: Tools, *, side_effects: bool, builtin: bool, tainted: bool) -> Decision:
    """What happens to a call of `name`, before anybody is asked."""
    if glob := _match(name, settings.deny):
        return Decision("deny", f"tools.deny has {glob!r}")
    if glob := _match(name, settings.ask):
        return Decision("ask", f"tools.ask has {glob!r}")
    if side_effects and tainted:
        return Decision("ask", "it has side effects, and text of others may be behind it")
    if glob := _match(name, settings.allow):
        return Decision("allow", f"tools.allow has {glob!r}")
    if builtin and not side_effects:
        return Decision("allow", "it only reads")
    return Decision("ask", "it has side effects" if side_effects else "it belongs to a plugin")


def _match(name: str, globs: Sequence[str]) -> str:
    return next((glob for glob in globs if fnmatchcase(name, glob)), "")
