"""Keys by reference: resolved late, taught to the redactor at once, stored only encrypted.

    env:NAME      a variable            file:PATH     the content of a file
    cmd:COMMAND   what a program prints age:NAME, NAME  a key stored by `opsvi secrets set NAME`
    SCHEME:...    a plugin's secret store

Stored keys are one JSON object encrypted with age (age-encryption.org/v1); the identity lies in another directory,
so that a copy of the data alone gives nothing away.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from opsvi_cli.errors import CredentialsError, DeadlineError, NotFoundError, StoreError, UsageError

from .paths import Paths
from .redact import Redactor, looks_like_key

if TYPE_CHECKING:
    from opsvi_cli.sdk import SecretStore

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_BYTES = 64_000
_COMMAND_SECONDS = 10.0
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL)

SecretStoreFinder: TypeAlias = "Callable[[str], SecretStore | None]"


class StoredSecret(NamedTuple):
    """Times are ISO-8601 in UTC."""

    name: str
    created: str
    updated: str


@dataclass
class Secrets:
    paths: Paths
    env: Mapping[str, str]
    redactor: Redactor
    log: logging.Logger
    find_store: SecretStoreFinder
    remaining: Callable[[], float | None]

    def resolve(self, reference: str, *, stored_as: str = "") -> str:
        """The secret that `reference` names. Raises CredentialsError, which never repeats what may be a key.

        `stored_as`: a stored key of this name stands in for a variable that is not set.
        """
        value = self._find(reference.strip(), stored_as).strip("\r\n")
        if not value.strip():
            raise CredentialsError(f"{_shown(reference)} is empty", hint=_set_hint(stored_as or "NAME"))
        self.redactor.learn(value)
        return value

    def _find(self, reference: str, stored_as: str) -> str:
        match = _SCHEME.fullmatch(reference)
        if match is None:
            return self._from_name(reference, stored_as)
        scheme, rest = match.groups()
        match scheme:
            case "env":
                return self._from_environment(rest, stored_as)
            case "file":
                return self._from_file(rest)
            case "cmd":
                return self._from_command(rest)
            case "age":
                return self._from_name(rest, stored_as)
        store = self.find_store(scheme)
        if store is None:
            raise CredentialsError(
                f"no plugin is installed that resolves {scheme}: references",
                hint=f"use env:NAME or `opsvi secrets set {stored_as or 'NAME'}`; `opsvi plugins list` shows plugins",
            )
        return store.get(rest)

    def _from_environment(self, name: str, stored_as: str) -> str:
        if value := self.env.get(name):
            return value
        for other in (stored_as, name):
            if other and (stored := self._read().get(other)):
                return stored["value"]
        raise CredentialsError(
            f"{name} is not set in the environment" + (f" and no key is stored as {stored_as!r}" if stored_as else ""),
            hint=f"{_set_hint(stored_as or name)}, or set {name}",
        )

    def _from_file(self, text: str) -> str:
        path = Path(text).expanduser()
        try:
            # A pipe must not hang the command, a huge file not fill the memory.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                if not stat.S_ISREG(mode):
                    raise CredentialsError(f"file:{path} is not a regular file", hint="name a file with the key in it")
                data = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise CredentialsError(f"file:{path}: {error.strerror}", hint="check the path and its rights") from error
        if len(data) > _MAX_BYTES:
            raise CredentialsError(f"file:{path} is too large for a key", hint="name a file with only the key in it")
        if os.name == "posix" and mode & 0o077:
            self.log.warning("%s can be read by others: chmod 600 %s", path, path)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise CredentialsError(f"file:{path} is not text", hint="name a file with only the key in it") from None

    def _from_command(self, command: str) -> str:
        import shlex
        import subprocess

        left = self.remaining()
        limit = _COMMAND_SECONDS if left is None else min(left, _COMMAND_SECONDS)
        try:
            argv = shlex.split(command)
            if not argv:
                raise ValueError
        except ValueError:
            raise CredentialsError("cmd: the command cannot be read", hint="cmd:PROGRAM ARGUMENTS") from None
        shown = f"cmd:{argv[0]}"
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False, env=dict(self.env)
            )
        except subprocess.TimeoutExpired:
            if left is not None and limit == left:
                raise DeadlineError(f"{shown} did not end in the time left", hint="allow more with --timeout") from None
            raise CredentialsError(
                f"{shown} did not end within {limit:g} s", hint=f"run it yourself: {argv[0]}"
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be run"
            raise CredentialsError(f"{shown}: {reason}", hint="check the program's name and rights") from error
        if done.returncode:
            raise CredentialsError(
                f"{shown} ended with exit code {done.returncode}", hint=f"run it yourself: {argv[0]}"
            )
        return done.stdout[:_MAX_BYTES].decode("utf-8", errors="replace")

    def _from_name(self, name: str, stored_as: str) -> str:
        stored = self._read().get(name)
        if stored is not None:
            return stored["value"]
        if not NAME.fullmatch(name) or looks_like_key(name):
            self.redactor.learn(name)
            raise CredentialsError(
                "a key stands where only a reference to one belongs",
                hint=f"{_set_hint(stored_as or 'NAME')}, and name it there as age:NAME or env:VARIABLE",
            )
        # What was meant as a name may still be a short password: it is not repeated.
        raise CredentialsError(
            "no key is stored under the name that the settings give",
            hint=f"{_set_hint(stored_as or 'NAME')}; `opsvi secrets list` shows the names",
        )

    # The stored ones

    def names(self) -> list[StoredSecret]:
        """By name."""
        return [StoredSecret(n, s["created"], s["updated"]) for n, s in sorted(self._read().items())]

    def require(self, name: str) -> None:
        """Raises NotFoundError when no key is stored under that name."""
        self._stored(self._read(), name)

    def reveal(self, name: str) -> str:
        """The value of a stored key. Raises NotFoundError."""
        value = self._stored(self._read(), name)["value"]
        self.redactor.learn(value)
        return value

    def store(self, name: str, value: str, now: str) -> None:
        """Keep a key, encrypted. Raises UsageError for a name or value that cannot be one."""
        if not NAME.fullmatch(name):
            raise UsageError(
                "that is no name for a key: letters, digits, '.', '_' and '-'", hint="opsvi secrets set openai"
            )
        if looks_like_key(name):
            self.redactor.learn(name)
            raise UsageError(
                "the name looks like a key itself; arguments can be read by others",
                hint="make a new key, and give it on stdin: opsvi secrets set NAME < FILE",
            )
        value = value.strip("\r\n")
        if not value.strip():
            raise UsageError("the key is empty: nothing was stored", hint=f"opsvi secrets set {name} < FILE")
        if len(value.encode("utf-8", "replace")) > _MAX_BYTES or "\0" in value:
            raise UsageError("that is not a key: too long, or not text", hint=f"opsvi secrets set {name} < FILE")
        self.redactor.learn(value)

        def change(stored: dict[str, dict[str, str]]) -> None:
            created = stored[name]["created"] if name in stored else now
            stored[name] = {"value": value, "created": created, "updated": now}

        self._change(change)

    def remove(self, name: str) -> None:
        """Forget a stored key. Raises NotFoundError."""

        def change(stored: dict[str, dict[str, str]]) -> None:
            self._stored(stored, name)
            del stored[name]

        self._change(change)

    def _stored(self, stored: Mapping[str, dict[str, str]], name: str) -> dict[str, str]:
        if name in stored:
            return stored[name]
        from difflib import get_close_matches

        near = get_close_matches(name, list(stored), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "`opsvi secrets list` shows the names"
        raise NotFoundError(f"no key is stored as {name!r}", hint=hint)

    def _change(self, change: Callable[[dict[str, dict[str, str]]], None]) -> None:
        from .files import write_atomic
        from .locks import hold

        with hold(self.paths.data / "secrets.lock", "the file of stored keys", wait=10):
            stored = self._read()
            change(stored)
            import pyrage

            identity = self._identity()
            data = pyrage.encrypt(json.dumps(stored).encode(), [identity.to_public()])
            write_atomic(self.paths.secrets_file, data)

    def _read(self) -> dict[str, dict[str, str]]:
        """Raises StoreError when the file cannot be opened with the identity."""
        try:
            data = self.paths.secrets_file.read_bytes()
        except FileNotFoundError:
            return {}
        import pyrage

        try:
            stored = json.loads(pyrage.decrypt(data, [self._identity(make=False)]))
            return {str(name): {k: str(v) for k, v in item.items()} for name, item in stored.items()}
        except (pyrage.DecryptError, ValueError, AttributeError) as error:
            raise StoreError(
                f"{self.paths.secrets_file} cannot be opened with {self.paths.identity_file}",
                hint=f"put the right identity back, or remove {self.paths.secrets_file} and store the keys again",
            ) from error

    def _identity(self, *, make: bool = True) -> Identity:
        import pyrage

        path = self.paths.identity_file
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            if not make or self.paths.secrets_file.exists():
                raise StoreError(
                    f"the identity that opens the stored keys is gone: {path}",
                    hint=f"put it back, or remove {self.paths.secrets_file} and store the keys again",
                ) from None
            from .files import write_atomic

            fresh: Identity = pyrage.x25519.Identity.generate()
            write_atomic(path, f"# opens {self.paths.secrets_file}\n{fresh}\n")
            return fresh
        try:
            secret = next(line for line in lines if line.startswith("AGE-SECRET-KEY-"))
            identity: Identity = pyrage.x25519.Identity.from_str(secret.strip())
        except (StopIteration, pyrage.IdentityError, ValueError) as error:
            raise StoreError(f"{path} holds no age identity", hint="put the right file back") from error
        return identity


class Identity(Protocol):
    """What is used of pyrage's X25519 identity."""

    def to_public(self) -> object: ...


def _set_hint(name: str) -> str:
    return f"opsvi secrets set {name}"


def _shown(reference: str) -> str:
    """A reference as it may be shown: the scheme, and the name for those that are only names."""
    scheme, colon, rest = reference.partition(":")
    if colon and scheme in ("env", "file"):
        return f"{scheme}:{rest}"
    return f"the {scheme}: reference" if colon and scheme.isalpha() else "the stored key"
