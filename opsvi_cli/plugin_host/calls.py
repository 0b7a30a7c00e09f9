"""Hook calls that survive the plugins they call.

pluggy ends a call at the first exception. Here every implementation is called by itself: what it raises is caught, its
plugin is named once on stderr, and after `MAX_ERRORS` errors it is left out for the rest of the process.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pluggy

from .guard import describe, passes_through

MAX_ERRORS = 3

T = TypeVar("T")


class WrongResultError(Exception):
    """A hook gave back something its specification does not allow."""


class HookCalls:
    """Calls hooks one implementation at a time, in pluggy's order: `tryfirst`, then the last registered first."""

    def __init__(self, manager: pluggy.PluginManager, warn: Callable[[str], None]) -> None:
        self._manager = manager
        self._warn = warn
        self._errors: Counter[str] = Counter()
        self._lock = threading.Lock()

    def each(
        self, hook: str, arguments: dict[str, object], check: Callable[[Any], T | None]
    ) -> Iterator[tuple[str, T]]:
        """(plugin, result) of every implementation that has something to say.

        `check` turns what the plugin returned into a result, None for nothing; it raises WrongResultError. `arguments`
        is read anew for each implementation, so that a chain can replace a value on its way.
        """
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin: str = implementation.plugin_name
            if self._errors[plugin] >= MAX_ERRORS:
                continue
            try:
                values = [_own_copy(arguments[name]) for name in implementation.argnames]
                result = check(implementation.function(*values))
            except BaseException as error:
                if passes_through(error):
                    raise
                self._failed(plugin, hook, error)
                continue
            if result is not None:
                yield plugin, result

    def chain(self, hook: str, argument: str, arguments: dict[str, object], check: Callable[[Any], T | None]) -> None:
        """Hand `arguments[argument]` from one implementation to the next; it is replaced in place."""
        for _plugin, result in self.each(hook, arguments, check):
            arguments[argument] = result

    def _failed(self, plugin: str, hook: str, error: BaseException) -> None:
        with self._lock:
            self._errors[plugin] += 1
            count = self._errors[plugin]
        if count == 1:
            self._warn(f"plugin {plugin!r} failed in {hook} and was passed over: {describe(error)}")
        elif count == MAX_ERRORS:
            self._warn(f"plugin {plugin!r} failed {MAX_ERRORS} times: its hooks are off for the rest of this run")


def _own_copy(value: object) -> object:
    """A list of its own for each plugin: one that changes it and then fails leaves ours as it was."""
    return list(value) if isinstance(value, list) else value


def list_of(kind: type[T]) -> Callable[[Any], list[T] | None]:
    """A check for hooks that return a list of `kind`, or None."""

    def check(result: Any) -> list[T] | None:
        if result is None:
            return None
        if not isinstance(result, (list, tuple)):
            raise WrongResultError(f"returned {type(result).__name__}, not a list of {kind.__name__}")
        for item in result:
            if not isinstance(item, kind):
                raise WrongResultError(f"returned a list with {type(item).__name__} in it, not {kind.__name__}")
        return list(result)

    return check


def nothing(_result: Any) -> None:
    """A check for hooks whose result has no meaning."""
