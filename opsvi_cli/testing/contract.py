"""How a contract suite collects broken promises: all of them, each as one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Self

_LONGEST = 200


class ContractError(AssertionError):
    """What a part promised and did not keep. `broken` holds a sentence for each promise."""

    def __init__(self, part: str, broken: tuple[str, ...]) -> None:
        self.part = part
        self.broken = broken
        super().__init__("\n".join([f"{part} breaks its contract:", *(f"- {sentence}" for sentence in broken)]))


class Contract:
    """The promises of one part while they are tried. A promise that is broken in many ways is named once.

    The end of the `with` raises ContractError when a promise was broken.
    """

    def __init__(self, part: object) -> None:
        self._part = part if isinstance(part, str) else type(part).__name__
        self._broken: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and not isinstance(error, Exception):
            return
        if error is not None:  # what the part gave is so odd that looking at it failed
            self.expect(False, "a part must give what its protocol says", f"looking at it raised {describe(error)}")
        if self._broken:
            raise ContractError(self._part, tuple(self._broken.values())) from None

    def expect(self, kept: bool, promise: str, came: str = "") -> bool:
        """Note `promise` as broken unless it was `kept`; `came` says what was there instead."""
        if not kept:
            self._broken.setdefault(promise, f"{promise}; {came}" if came else promise)
        return kept

    def equal(self, came: object, expected: object, promise: str) -> bool:
        """Note `promise` as broken unless both are equal."""
        return self.expect(came == expected, promise, f"expected {show(expected)}, got {show(came)}")

    @contextlib.contextmanager
    def attempt(self, doing: str) -> Iterator[None]:
        """Whatever the block raises breaks a promise: that `doing` works."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # a part may raise anything
            self.expect(False, f"{doing} must work", f"it raised {describe(error)}")
        except SystemExit as error:
            self.expect(False, f"{doing} must not end the program", f"it raised {describe(error)}")

    def closable(self, method: str, make: Callable[[], Any]) -> Any:
        """What `method` gives; None, and a broken promise, when it is no iterator that can be closed."""
        events: Any = None
        with self.attempt(f"`{method}`"):
            events = make()
        sound = hasattr(events, "close") and hasattr(events, "__next__")
        promise = f"`{method}` must give an iterator that can be closed"
        return events if self.expect(sound, promise, f"it gave {show(events)}") else None

    def refused(
        self, call: Callable[[], object], errors: type[Exception] | tuple[type[Exception], ...], promise: str
    ) -> Exception | None:
        """Note `promise` as broken unless `call` raises one of `errors`, which is returned."""
        try:
            came = call()
        except errors as error:
            return error
        except (Exception, SystemExit) as error:  # noqa: BLE001
            self.expect(False, promise, f"it raised {describe(error)}")
        else:
            self.expect(False, promise, f"it gave {show(came)}")
        return None


def show(value: object) -> str:
    """A value in a sentence: short, on one line."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a part's object may fail at this too
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def describe(error: BaseException) -> str:
    """An exception in a sentence: its name and the first line of its text."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001
        lines = []
    name = type(error).__name__
    return f"{name}: {lines[0][:_LONGEST]}" if lines else name


def is_text(value: Any) -> bool:
    """True for a `str` that says something."""
    return isinstance(value, str) and bool(value.strip())
