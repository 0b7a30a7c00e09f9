"""One redactor for everything that opsvi writes beside data: log, messages, crash reports, events.

It takes out the exact values it has learnt, in the forms they travel in (URL-quoted, base64, JSON-escaped), and what
looks like a key. Nothing is compiled until something is redacted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

MARK = "[redacted]"
_LEAST_LEARNT = 4
_LEAST_FROM_ENVIRONMENT = 6
_SECRET_NAME = r"(?:^|_)(?:(?:API_?|ACCESS_?|SECRET_?|PRIVATE_?)?KEYS?|TOKEN|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE)$"
_SECRET_VARIABLE = r"(?:_|^)(?:API_?KEY|\w*_KEY|TOKEN|\w*SECRET|\w*PASSWORD|\w*PASSWD|\w*PASSPHRASE)$"
_REFERENCE = r"(?:env|file|cmd|age|keyring|vault):"
# The first group of a pattern, where it has one, is kept.
_KEY_SHAPES = (
    r"\bsk-[A-Za-z0-9_-]{16,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\bAIza[0-9A-Za-z_-]{30,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
)
_IN_CONTEXT = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.)*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    r"((?i:\b(?:bearer|basic)\s+))(?!\[redacted\])[A-Za-z0-9._~+/=-]{8,}",
    r"((?i:\b(?:x-)?[a-z_-]*(?:api[_-]?key|secret|passw(?:or)?d|token)[\"']?\s*=\s*[\"']?))"
    rf"(?!{_REFERENCE}|\[redacted\])[^\s\"'&;,}}\)]{{4,}}",
    r"((?i:[\"'](?:x-)?[a-z_-]*(?:api[_-]?key|secret|passw(?:or)?d|token)[\"']\s*:\s*[\"']))"
    rf"(?!{_REFERENCE}|\[redacted\])[^\"']{{4,}}",
    r"://[^\s/@:\"'<>]*:[^\s/@\"'<>]+@",
)


class Redactor:
    """Learns secrets while a run resolves them. `env` is searched for variables named like keys (default: the process).

    A value shorter than 4 characters is not learnt: taking out every `a` would hide the message, not the secret.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._environments: list[Mapping[str, str]] = [os.environ if env is None else env]

    def learn(self, secret: str) -> None:
        """Remember a value that must never be written, in all its forms."""
        if len(secret.strip()) >= _LEAST_LEARNT and secret not in self._values:
            self._values.add(secret)
            self._pattern = None

    def learn_environment(self, env: Mapping[str, str]) -> None:
        """Also take out the values of this environment's variables that are named like keys; read on first use."""
        if not any(env is known for known in self._environments):
            self._environments.append(env)
            self._pattern = None

    def redact(self, text: str) -> str:
        """The text without secrets; what was one reads `[redacted]`."""
        if not text:
            return text
        if self._pattern is None:
            self._pattern = self._compile()
        text = self._pattern.sub(MARK, text)
        for pattern, keep in _shapes():
            text = pattern.sub(keep, text)
        return text

    def redact_data(self, value: Any) -> Any:
        """The same for what JSON can hold; a value whose name is that of a key goes whole, unless it is a reference."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(str(name)): self._named(str(name), item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_data(item) for item in value]
        return value

    def _named(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value and is_secret_name(name) and not is_reference(value):
            return MARK
        return self.redact_data(value)

    def _compile(self) -> re.Pattern[str]:
        values = set(self._values)
        for env in self._environments:
            values.update(_secrets_of(env))
        forms = {form for value in values for form in _forms(value)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    keys = re.compile("|".join(_KEY_SHAPES))
    pem, bearer, assigned, quoted, login = _IN_CONTEXT
    return (
        (keys, MARK),
        (re.compile(pem), MARK),
        *((re.compile(pattern), rf"\g<1>{MARK}") for pattern in (bearer, assigned, quoted)),
        (re.compile(login), f"://{MARK}@"),
    )


def _secrets_of(env: Mapping[str, str]) -> Iterable[str]:
    named = re.compile(_SECRET_VARIABLE, re.IGNORECASE)
    return [
        value
        for name, value in env.items()
        if named.search(name) and len(value) >= _LEAST_FROM_ENVIRONMENT and not is_reference(value)
    ]


def _forms(value: str) -> set[str]:
    """The value as it looks in URLs, headers, JSON and Python's own messages."""
    import base64
    import json
    from urllib.parse import quote, quote_plus

    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    data = value.encode("utf-8", "surrogatepass")
    whole = base64.b64encode(data).decode().rstrip("=")
    forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    for shift in range(3):  # base64 of a longer text that holds the value, at each of the three alignments
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        start = (0, 2, 3)[shift]
        end = len(encoded) if not encoded.endswith("=") else (len(data) + shift) // 3 * 4
        inner = encoded[start:end]
        if len(inner) >= 8:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    forms |= {line for line in value.splitlines() if len(line) >= 16}
    return {form for form in forms if len(form) >= _LEAST_LEARNT}


@cache
def _name_pattern() -> re.Pattern[str]:
    return re.compile(_SECRET_NAME, re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """True for names such as `api_key`, `token`, `db-password`."""
    return bool(_name_pattern().search(name.replace("-", "_").replace(".", "_")))


def is_reference(value: str) -> bool:
    """True for `env:NAME` and its like: they say where a secret is, not what it is."""
    scheme, colon, rest = value.partition(":")
    return bool(colon and rest and scheme in ("env", "file", "cmd", "age", "keyring", "vault"))


def is_literal_key(value: str) -> bool:
    """True when the setting of a secret holds the secret itself: neither a reference nor the name of a stored key.

    A lower-case word, or a name such as OPENAI_API_KEY, is taken for the name of a stored key.
    """
    if not value or is_reference(value):
        return False
    if looks_like_key(value):
        return True
    return re.fullmatch(r"[a-z][a-z_.-]{0,40}[0-9]?|(?:[A-Z]+_)+(?:KEY|TOKEN|SECRET|PASSWORD)", value) is None


def has_key_shape(value: str) -> bool:
    """True for a key that a vendor's prefix gives away, and for a private key."""
    return _shapes()[0][0].search(value) is not None or "PRIVATE KEY-----" in value


def looks_like_key(value: str) -> bool:
    """True when a text reads like a key itself: a vendor's prefix, or long, without spaces, of letters and digits."""
    if has_key_shape(value):
        return True
    dense = len(value) >= 20 and re.fullmatch(r"[A-Za-z0-9+/=_.~-]+", value) is not None
    return dense and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
