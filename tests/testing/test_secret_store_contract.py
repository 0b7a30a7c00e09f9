"""`check_secret_store` bites: one wrong store for each promise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from opsvi_cli.sdk import CredentialsError
from opsvi_cli.testing import check_secret_store

SECRET = "hunter2-canary"


class Vault:
    def get(self, name: str) -> Any:
        if name != "db":
            return self.missing(name)
        return self.found()

    def found(self) -> Any:
        return SECRET

    def missing(self, name: str) -> Any:
        raise CredentialsError("the vault has no such secret", hint="vault list")


def test_a_good_one() -> None:
    check_secret_store(Vault(), "db")


def _raising(error: BaseException) -> Callable[..., Any]:
    def act(*_: Any) -> Any:
        raise error

    return act


_numbers = count()

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "bytes": ({"found": lambda _: SECRET.encode()}, "`get` must give a text; it gave a bytes"),
    "nothing": ({"found": lambda _: ""}, "`get` must give a text"),
    "another": ({"found": lambda _: f"x{next(_numbers)}"}, "`get` must give the same secret again; it gave another"),
    "fails": ({"found": _raising(OSError("no route"))}, "`get` of a secret that is there must work; it raised OSError"),
    "empty for missing": ({"missing": lambda *_: ""}, "that is not there must be refused with CredentialsError"),
    "key error": ({"missing": _raising(KeyError("x"))}, "refused with CredentialsError; for 'opsvi-contract-no-such"),
    "ends the program": ({"missing": _raising(SystemExit(1))}, "it raised SystemExit: 1"),
    "two lines": ({"missing": _raising(CredentialsError("a\nb"))}, "CredentialsError must say in one line"),
    "in the message": ({"missing": _raising(CredentialsError(f"only {SECRET}"))}, "must never repeat a secret"),
    "in the hint": ({"missing": _raising(CredentialsError("no", hint=SECRET))}, "must never repeat a secret"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_stores(name: str, broken: Callable[..., Any]) -> None:
    methods, words = WRONG[name]
    found = broken(check_secret_store, type("Wrong", (Vault,), methods)(), "db")
    assert any(words in sentence for sentence in found), found
    assert not any(SECRET in sentence for sentence in found)


def test_a_secret_in_another_error_is_not_repeated(broken: Callable[..., Any]) -> None:
    wrong = type("Wrong", (Vault,), {"missing": _raising(ValueError(f"not {SECRET}"))})
    assert not any(SECRET in sentence for sentence in broken(check_secret_store, wrong(), "db"))
