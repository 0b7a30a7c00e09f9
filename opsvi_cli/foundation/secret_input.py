"""Taking a key from a person or a pipe, never from an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from opsvi_cli.errors import UsageError

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def read_secret(app: AppContext, name: str) -> str:
    """The key from stdin, or typed unseen on a terminal. Raises UsageError when there is neither."""
    piped = app.read_stdin()
    if piped is not None:
        return piped
    if not app.may_ask:
        raise UsageError("no key to store: stdin has none", hint=f"opsvi secrets set {name} < FILE")
    from getpass import getpass

    return getpass(f"Key to store as {name} (not shown): ", stream=app.err)


def refuse_to_reveal(name: str) -> NoReturn:
    raise UsageError("a key is printed only on demand", hint=f"opsvi secrets get {name} --reveal")
