"""What a template asks for: from flags, a file, or a person at a terminal; checked before anything is written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import UsageError

from .manifest import Question

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

LONGEST = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORMATS = {
    # What a wheel can carry: a build refuses other addresses, long after the question.
    "email": (
        re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(?:\.[\w-]+)+", re.ASCII),
        "an e-mail address, e.g. ana@example.org",
    ),
    "url": (re.compile(r"https?://[^\s<>\"]+"), "a URL, e.g. https://example.org/project"),
    "word": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), "one word"),
}


def read_answers(app: AppContext, source: str) -> dict[str, Any]:
    """The answers in a TOML or JSON file, `-` for stdin. Raises UsageError."""
    if source == "-":
        text = app.read_stdin_bytes(1_000_000).decode("utf-8", "replace")
    else:
        try:
            text = Path(app.cwd, source).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"--answers {source}: {reason}", hint="a TOML or JSON file, - for stdin") from None
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"--answers {source}: {error}", hint="a TOML or JSON file, - for stdin") from None
    return dict(found)


def split_answer(text: str) -> tuple[str, str]:
    """`KEY=VALUE` of the command line. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"-a {text}: not of the form KEY=VALUE", hint="-a license=MIT")
    return key, value


def complete(app: AppContext, questions: Sequence[Question], given: Mapping[str, Any]) -> dict[str, str]:
    """An answer to every question: what was given, what a person says now, or the default.

    Raises UsageError for a key that is no question, a value that does not fit, or a question without an answer.
    """
    known = [question.name for question in questions]
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it asks for: {', '.join(known)}"
            raise UsageError(f"the template does not ask for {key!r}", hint=hint)
    answers: dict[str, str] = {}
    for question in questions:
        if question.name in given:
            answers[question.name] = checked(question, given[question.name])
    for question in questions:
        if question.name not in answers:
            answers[question.name] = _ask(app, question) if app.may_ask else _default(question)
    return {name: answers[name] for name in known}


def checked(question: Question, value: Any) -> str:
    """The answer as text. Raises UsageError that says what would do."""
    if not isinstance(value, str):
        raise UsageError(f"{question.name}: {value!r} is not text", hint=f"-a {question.name}=TEXT")
    text = value.strip()
    if _CONTROL.search(text) or len(text) > LONGEST:
        raise UsageError(
            f"{question.name}: one line of at most {LONGEST} characters is needed", hint=f"-a {question.name}=TEXT"
        )
    if question.choices and text not in question.choices:
        raise UsageError(
            f"{question.name}: {text!r} is none of {', '.join(question.choices)}",
            hint=f"-a {question.name}={question.choices[0]}",
        )
    if text and question.format in _FORMATS:
        pattern, words = _FORMATS[question.format]
        if not pattern.fullmatch(text):
            raise UsageError(f"{question.name}: {text!r} is not {words}", hint=f"-a {question.name}=...")
    return text


def _default(question: Question) -> str:
    if question.default is None:
        raise UsageError(f"{question.name} is not given: {question.help}", hint=_flag(question))
    return checked(question, question.default)


def _flag(question: Question) -> str:
    value = "|".join(question.choices) or "..."
    return f"--part {value}" if question.name == "part" else f"-a {question.name}={value}"


def _ask(app: AppContext, question: Question) -> str:
    from opsvi_cli.foundation.terminal import plain

    default = _own_default(app, question)
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    shown = f" [{default}]" if default else ""
    while True:
        app.err.write(plain(f"{question.help}{choices}{shown}: "))
        app.err.flush()
        assert app.stdin is not None
        line = app.stdin.readline()
        if not line:
            raise UsageError(f"{question.name} is not answered", hint=_flag(question))
        try:
            text = checked(question, line.strip() or (default or ""))
        except UsageError as error:
            app.err.write(plain(f"{error.message}\n"))
            continue
        if text or question.default is not None:
            return text


def _own_default(app: AppContext, question: Question) -> str | None:
    """Offered, never taken unseen: who the user is, as git knows it."""
    if question.name in ("author", "email") and not question.default:
        from .git import identity

        return identity(app.env)["name" if question.name == "author" else "email"]
    return question.default
