"""The settings `providers.anthropic` that shape a request, checked."""

from __future__ import annotations

from dataclasses import dataclass

from opsvi_cli.sdk import JSON, Services, UsageError

LEAST_BUDGET = 1024
"""The smallest number of tokens for thinking that the API takes."""
_ROOM = 8192
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class Settings:
    """`max_tokens`: of an answer without a limit of its own. `thinking`: what goes to the API, None for the model's own
    way. `effort`: empty for the model's own."""

    name: str
    max_tokens: int
    thinking: dict[str, JSON] | None
    effort: str

    @property
    def budget(self) -> int:
        """Tokens for thinking alone; 0 when there is no such limit."""
        budget = (self.thinking or {}).get("budget_tokens")
        return budget if isinstance(budget, int) else 0

    @property
    def thinks(self) -> bool:
        """True when thinking was asked for."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def read_settings(services: Services) -> Settings:
    """Raises UsageError that names the setting."""
    thinking = _thinking(services)
    budget = thinking.get("budget_tokens", 0) if thinking else 0
    most = _number(services, "max_tokens", _ROOM + (budget if isinstance(budget, int) else 0), 1)
    effort = services.options.get("effort") or ""
    if effort and effort not in _EFFORTS:
        raise _wrong(services, "effort", effort, f"one of {', '.join(_EFFORTS)}", "high")
    return Settings(services.name, most, thinking, str(effort))


def _thinking(services: Services) -> dict[str, JSON] | None:
    value = services.options.get("thinking")
    if value is None or value == "":
        return None
    if value in (False, 0, "0", "off"):
        return {"type": "disabled"}
    if value == "adaptive":
        return {"type": "adaptive", "display": "summarized"}
    return {"type": "enabled", "budget_tokens": _number(services, "thinking", 0, LEAST_BUDGET)}


def _number(services: Services, key: str, default: int, least: int) -> int:
    value = services.options.get(key, default)
    # A value from the environment is text.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        other = ', "adaptive" or "off"' if key == "thinking" else ""
        raise _wrong(services, key, value, f"a number of tokens from {least} on{other}", str(max(least, _ROOM)))
    return number


def _wrong(services: Services, key: str, value: object, wanted: str, example: str) -> UsageError:
    setting = f"providers.{services.name}.{key}"
    return UsageError(f"{setting}: {value!r} is not {wanted}", hint=f"opsvi config set {setting} {example}")
