"""What a call costs, in US dollars: by the user's own prices, else by the table of the package genai-prices.

The table lies in the package: no network is asked. A model that no table knows has no price, which is not the same as
a price of 0: that is for providers that ask no server, and for servers of one's own without a key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import Usage
from opsvi_cli.sdk.connections import is_private

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .models import ModelChoice

_MILLION = 1_000_000
_RATES = ("input", "output", "cached")
# Where the table calls a provider otherwise than opsvi does.
_ALIASES = {"gemini": "google", "xai": "x-ai", "azure-openai": "azure"}


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for a million tokens, as the user's settings say."""

    input: float
    output: float
    cached: float

    def cost(self, usage: Usage) -> float:
        read, cached = usage.input_tokens or 0, min(usage.cached_tokens or 0, usage.input_tokens or 0)
        dollars = (read - cached) * self.input + cached * self.cached + (usage.output_tokens or 0) * self.output
        return dollars / _MILLION


FREE = Rates(0.0, 0.0, 0.0)


def cost_of(
    app: AppContext, choice: ModelChoice, usage: Usage, provider: object = None, asked: str = ""
) -> float | None:
    """US dollars of a call; None when the price, or what was used, is not known. `asked`: the address it went to."""
    rates = own_rates(app, choice, provider, asked)
    if rates is FREE:
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    if rates is not None:
        return rates.cost(usage)
    found = _find(app, choice)
    return None if found is None else _table_cost(found, usage)


def context_window(app: AppContext, choice: ModelChoice) -> int | None:
    """Tokens that the model reads at most, as the table says."""
    found = _find(app, choice)
    window = getattr(found[1], "context_window", None) if found is not None else None
    return window if isinstance(window, int) else None


def own_rates(app: AppContext, choice: ModelChoice, provider: object = None, asked: str = "") -> Rates | None:
    """The prices of the settings, or FREE for what costs nothing by its nature; None: the table has to say."""
    if (table := app.settings.providers.get(choice.provider, {}).get("prices")) is not None:
        found = _from_settings(choice, table)
        if found is not None:
            return found
    if not getattr(provider, "remote", True) or getattr(provider, "free", False):
        return FREE
    url = choice.url(app) or asked
    if url:
        return FREE if _is_private(url) and not choice.settings(app).get("api_key") else None
    return FREE if getattr(provider, "local", False) else None


def _from_settings(choice: ModelChoice, table: object) -> Rates | None:
    """`providers.NAME.prices.MODEL = {input, output, cached}`; MODEL may be a glob, an exact name goes first."""
    where = f"providers.{choice.provider}.prices"
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is not a table", hint='"MODEL" = {input = 1.25, output = 10, cached = 0.125}')
    model = choice.model or choice.provider
    for name in sorted(table, key=lambda name: (name != model, -len(name))):
        if name == model or fnmatchcase(model, name):
            return _rates(f'{where}."{name}"', table[name])
    return None


def _rates(where: str, given: object) -> Rates:
    valid = isinstance(given, Mapping) and set(given) <= set(_RATES) and {"input", "output"} <= set(given)
    numbers = list(given.values()) if isinstance(given, Mapping) else []
    if not valid or any(isinstance(n, bool) or not isinstance(n, (int, float)) or not n >= 0 for n in numbers):
        raise UsageError(
            f"{where} is no price: input and output, if wanted cached, in US dollars for a million tokens",
            hint=f"{where} = {{input = 1.25, output = 10, cached = 0.125}}",
        )
    assert isinstance(given, Mapping)
    return Rates(float(given["input"]), float(given["output"]), float(given.get("cached", given["input"])))


def _is_private(url: str) -> bool:
    with contextlib.suppress(ValueError):
        host = urlsplit(url).hostname
        return bool(host) and is_private(str(host))
    return False


# --- the table


def _find(app: AppContext, choice: ModelChoice) -> tuple[Any, Any] | None:
    """(provider, model) of the table: by the address where one is set, else by the provider's name."""
    url = choice.url(app)
    if url and _is_private(url):
        return None
    preset = str(choice.settings(app).get("preset") or choice.provider)
    snapshot = _snapshot()
    with contextlib.suppress(LookupError):
        vendor = snapshot.find_provider(None, None, url) if url else _by_name(snapshot.providers, preset)
        model = vendor.find_model(choice.model.lower(), all_providers=snapshot.providers)
        return (vendor, model) if model is not None else None
    return None


def _snapshot() -> Any:
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()


def _by_name(providers: Iterable[Any], name: str) -> Any:
    wanted = _ALIASES.get(name, name)
    for provider in providers:
        if provider.id == wanted:
            return provider
    raise LookupError(name)


def _table_cost(found: tuple[Any, Any], usage: Usage) -> float | None:
    from genai_prices import Usage as TableUsage

    vendor, model = found
    read = usage.input_tokens or 0
    counted = {"input_tokens": read, "output_tokens": usage.output_tokens or 0}
    if usage.cached_tokens:
        counted["cache_read_tokens"] = min(usage.cached_tokens, read)
    try:
        price = model.calc_price(TableUsage(**counted), vendor, genai_request_timestamp=datetime.now(timezone.utc))
    except (LookupError, ValueError, TypeError):
        return None
    rates = price.model_price
    if rates.input_mtok is None or (usage.output_tokens and rates.output_mtok is None):
        return None  # the table names the model, and not what its tokens cost
    total: Decimal = price.total_price
    return float(total)


def table_name() -> str:
    """The table and its version."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def table_date(app: AppContext) -> str:
    """The day of the newest price of the table that holds already: how far up to date it is, at least."""
    kept = app.foundation.cache("price-dates")
    name, today = table_name(), app.now()[:10]
    days = kept.get_json(name)
    if not isinstance(days, list):
        days = sorted({day.isoformat() for day in _start_dates()})
        kept.put_json(name, days)
    return max((str(day) for day in days if str(day) <= today), default=today)


def _start_dates() -> Iterator[Any]:
    for provider in _snapshot().providers:
        for model in provider.models:
            for price in model.prices if isinstance(model.prices, list) else ():
                day = getattr(price.constraint, "start_date", None)
                if day is not None:
                    yield day
