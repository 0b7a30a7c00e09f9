"""What is kept of each call that reaches a provider: a row of usage, an event, and an entry of the log.

Usage and event hold no word of prompt or answer; the log does (`llm/call_log.py`), unless it is switched off.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.usage import UsageRow
from opsvi_cli.sdk import JSON, Finish, ReasoningDelta, TextDelta, ToolCall, Usage

from .layers import Below, Call, Events
from .prices import cost_of
from .tokens import estimate_request, estimate_tokens

CANCELLED = "cancelled"


@dataclass
class Traced:
    """How a call went. `outcome` is `ok`, the kind of the error, or `cancelled` when nobody listened any more."""

    outcome: str = CANCELLED
    finish: str = ""
    error: str = ""
    usage: Usage = Usage()
    cost: float | None = None
    estimated: bool = False
    seconds: float = 0.0
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tool_calls: tuple[ToolCall, ...] = ()

    def take(self, event: TextDelta | ReasoningDelta | Finish) -> None:
        if isinstance(event, TextDelta):
            self.text.append(event.text)
        elif isinstance(event, ReasoningDelta):
            self.reasoning.append(event.text)
        elif isinstance(event, Finish):
            self.outcome, self.finish = "ok", event.reason
            self.usage, self.tool_calls = event.usage, event.tool_calls


def trace(call: Call, below: Below) -> Events:
    """Write the call down, however it ends; what came of a cut answer is kept."""
    began = time.monotonic()
    traced = Traced()
    try:
        with contextlib.closing(below(call)) as events:
            for event in events:
                traced.take(event)
                yield event
        if traced.outcome == CANCELLED:
            traced.outcome = "bad-response"  # it just ended
    except OpsviError as error:
        traced.outcome, traced.error = str(error.details.get("kind") or error.code), error.message
        raise
    finally:
        traced.outcome = str(call.notes.get("outcome", traced.outcome))
        traced.seconds = round(time.monotonic() - began, 3)
        _count(call, traced)
        _record(call, traced)


def _count(call: Call, traced: Traced) -> None:
    """Cost by what the server counted; by an estimate when it did not, and an answer had begun."""
    usage = traced.usage
    if usage.input_tokens is None or usage.output_tokens is None:
        begun = bool(traced.text or traced.reasoning or traced.outcome == "ok")
        if not begun:
            # Refused or not reached: servers charge nothing for it.
            traced.cost = 0.0
            return
        written = estimate_tokens("".join((*traced.text, *traced.reasoning)))
        usage = Usage(
            estimate_request(call.request) if usage.input_tokens is None else usage.input_tokens,
            written if usage.output_tokens is None else usage.output_tokens,
        )
        traced.estimated = True
    traced.usage = usage
    try:
        traced.cost = cost_of(call.app, call.choice, usage, call.provider, call.server.url)
    except OpsviError as error:  # a price that is written wrong must not take the answer away
        if not call.app.foundation.usage.unpriced:
            call.app.warn(f"the cost is not known: {error.message}")


def _record(call: Call, traced: Traced) -> None:
    app, choice, usage = call.app, call.choice, traced.usage
    app.foundation.usage.record(
        UsageRow(
            app.now(),
            app.command,
            choice.provider,
            choice.model,
            usage.input_tokens,
            usage.output_tokens,
            traced.seconds,
            traced.outcome,
            usage.cached_tokens,
            usage.reasoning_tokens,
            traced.cost,
            traced.estimated,
            app.run,
        )
    )
    data: dict[str, JSON] = {
        "model": choice.name,
        "outcome": traced.outcome,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": traced.cost,
        "seconds": traced.seconds,
    }
    app.foundation.events.emit("model.call", data)
    if app.settings.logs.enabled:
        from .call_log import keep

        keep(call, traced)
