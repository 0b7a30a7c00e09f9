"""`opsvi tokens`: the tokens of texts, the share of a model's context window they take, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.files import read_bytes
from opsvi_cli.sdk import Usage

from .models import ModelChoice, choose_model, load_provider
from .prices import context_window, cost_of, table_date, table_name
from .tokens import TokenCount, count_tokens, estimate_tokens

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_LARGEST = 100_000_000
_LONGEST_NAME = 255
_FILE_NAME = re.compile(r"\S*/\S*|\S*[^\s.]\.[A-Za-z][A-Za-z0-9]{0,4}")
"""What can only be meant as the name of a file."""


@dataclass(frozen=True, slots=True)
class CountedText:
    """`source` is the file's name, `stdin` or `text`."""

    source: str
    characters: int
    tokens: int
    exact: bool


@dataclass(frozen=True, slots=True)
class TokenReport:
    """`share` is that of the context window, `cost` of the input alone, in US dollars; None: not known."""

    texts: tuple[CountedText, ...]
    tokens: int
    exact: bool
    model: str | None
    context_window: int | None
    share: float | None
    cost: float | None
    prices: dict[str, str] | None

    def record(self) -> dict[str, Any]:
        return {**asdict(self), "texts": [asdict(text) for text in self.texts]}


def token_report(app: AppContext, texts: Sequence[str], model: str | None, base_url: str | None) -> TokenReport:
    """Count texts; `-` is stdin, a name of a file its text. Raises UsageError for what cannot be read."""
    if list(texts).count("-") > 1:
        raise UsageError("`-` (standard input) can be given once", hint="opsvi tokens -")
    choice = choose_model(app, model, base_url)
    counted = []
    provider = load_provider(app, choice) if choice is not None else None
    for given in texts:
        source, text = _read(app, given)
        if choice is not None and provider is not None:
            count = count_tokens(app, choice, provider, text)
        else:
            count = TokenCount(estimate_tokens(text), exact=False)
        counted.append(CountedText(source, len(text), count.tokens, count.exact))
    total = sum(text.tokens for text in counted)
    window = _window(app, choice, provider) if choice is not None else None
    cost = cost_of(app, choice, Usage(total, 0), provider) if choice is not None else None
    return TokenReport(
        texts=tuple(counted),
        tokens=total,
        exact=all(text.exact for text in counted),
        model=choice.name if choice is not None else None,
        context_window=window,
        share=round(total / window, 6) if window else None,
        cost=cost,
        prices={"table": table_name(), "date": table_date(app)} if cost else None,
    )


def _window(app: AppContext, choice: ModelChoice, provider: Any) -> int | None:
    """By the table; by the server's own list of models when that is one of the user's own."""
    if window := context_window(app, choice):
        return window
    if not choice.url(app):
        return None
    try:
        listed = provider.models()
    except OpsviError as error:
        app.log.info("%s: %s", choice.name, error.message)
        return None
    return next((info.context_window for info in listed if info.id == choice.model), None)


def _read(app: AppContext, given: str) -> tuple[str, str]:
    """(name, text) of an argument: what is there as a file or pipe is read, what only looks like one is refused."""
    if given == "-":
        return "stdin", app.read_stdin_text()
    path = Path(app.cwd, given)
    if given and _exists(path):
        if path.is_dir():
            raise UsageError(f"{given} is a folder", hint=f"name the files in it: opsvi tokens {given}/*")
        return given, _decoded(read_bytes(path, given, limit=_LARGEST), given)
    if len(given) <= _LONGEST_NAME and _FILE_NAME.fullmatch(given):
        raise UsageError(f"{given}: no such file", hint="to count the name itself: echo NAME | opsvi tokens")
    return "text", given


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: not UTF-8 text", hint=f"opsvi extract {name} | opsvi tokens") from error
