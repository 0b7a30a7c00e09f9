"""What the redactor takes out, and what it leaves."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from opsvi_cli.foundation.redact import MARK, Redactor, is_literal_key, is_secret_name, looks_like_key

SECRET = 'p/ss w"rd+é=Zq81xWv02pLm'


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor({})
    made.learn(SECRET)
    return made


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_learnt_value_goes_in_every_form(redactor: Redactor, form: str) -> None:
    assert redactor.redact(f"before {form} after") == f"before {MARK} after"


@pytest.mark.parametrize("prefix", ["", "u", "us", "use", "user:"])
def test_base64_of_a_text_that_holds_it(redactor: Redactor, prefix: str) -> None:
    encoded = base64.b64encode((prefix + SECRET + "tail").encode()).decode()
    left = redactor.redact(f"x-header: {encoded}")
    decoded = base64.b64decode(encoded)
    assert MARK in left
    # What is left of the base64 around the mark holds at most the edges of the secret.
    assert base64.b64encode(SECRET.encode()[3:-3]).decode()[:12] not in left
    assert SECRET.encode() in decoded


def test_the_longest_value_first() -> None:
    redactor = Redactor({})
    redactor.learn("abcdef")
    redactor.learn("abcdef-123456")
    assert redactor.redact("x abcdef-123456 y") == f"x {MARK} y"


def test_learning_after_redacting() -> None:
    redactor = Redactor({})
    assert redactor.redact("hush-hush") == "hush-hush"
    redactor.learn("hush-hush")
    assert redactor.redact("hush-hush") == MARK


def test_lines_of_a_long_secret() -> None:
    redactor = Redactor({})
    redactor.learn("first line of a secret\nsecond line of a secret")
    assert redactor.redact("second line of a secret") == MARK


def test_very_short_values_are_not_learnt() -> None:
    redactor = Redactor({})
    redactor.learn("a")
    assert redactor.redact("a cat") == "a cat"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key sk-proj-abcdefghij0123456789 end", f"key {MARK} end"),
        ("AKIAIOSFODNN7EXAMPLE", MARK),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", MARK),
        ("xoxb-1234567890-abcdefghij", MARK),
        ("AIza" + "a" * 35, MARK),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", MARK),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nrest", f"{MARK}\nrest"),
        ("-----BEGIN PRIVATE KEY-----\ncut", MARK),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MARK}"),
        ("GET /x?api_key=abc123&k=5", f"GET /x?api_key={MARK}&k=5"),
        ('{"api_key": "abc123", "k": 5}', f'{{"api_key": "{MARK}", "k": 5}}'),
        ("postgres://user:hunter2@db/x", f"postgres://{MARK}@db/x"),
    ],
)
def test_what_looks_like_a_key(text: str, left: str) -> None:
    assert Redactor({}).redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "api_key = env:OPENAI_API_KEY",
        "max_tokens=4096",
        "the task-force and the risk-free desk-lamp",
        "http://localhost:8080/v1",
        "see https://example.org/a:b@c",
        "token: expected ')'",
        "Basic usage: opsvi search",
    ],
)
def test_what_stays(text: str) -> None:
    assert Redactor({}).redact(text) == text


def test_variables_named_like_keys_are_learnt() -> None:
    redactor = Redactor({"OPENAI_API_KEY": "plain-value-1", "MY_TOKEN": "plain-value-2", "EDITOR": "nano-editor"})
    assert redactor.redact("plain-value-1 plain-value-2 nano-editor") == f"{MARK} {MARK} nano-editor"


def test_data(redactor: Redactor) -> None:
    data = {"url": f"http://h/?q={quote(SECRET)}", "api_key": "whatever", "ref": {"api_key": "env:X"}, "n": [1, SECRET]}
    assert redactor.redact_data(data) == {
        "url": f"http://h/?q={MARK}",
        "api_key": MARK,
        "ref": {"api_key": "env:X"},
        "n": [1, MARK],
    }


def test_names_and_literals() -> None:
    assert all(map(is_secret_name, ("api_key", "token", "db-password", "key", "client_secret")))
    assert not any(map(is_secret_name, ("keyboard", "base_url", "max_tokens", "tokenizer", "monkey")))
    assert all(map(is_literal_key, ("hunter2!", "sk-abcdefghijklmnopqrst", "Zq81xWv02pLm")))
    assert not any(map(is_literal_key, ("env:X", "cmd:pass x", "openai", "OPENAI_API_KEY", "age:work")))
    assert looks_like_key("0123456789abcdef0123456789abcdef")
    assert not looks_like_key("http://localhost:11434/v1 or so")


def test_nothing_is_compiled_by_importing() -> None:
    code = (
        "import re, sys; seen = []; real = re.compile\n"
        "re.compile = lambda *a, **k: seen.append(a[0]) or real(*a, **k)\n"
        "from opsvi_cli.foundation.redact import Redactor; Redactor({}).learn('secret-value')\n"
        "assert not seen, seen; assert 'base64' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
