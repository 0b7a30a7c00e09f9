"""Calling a model: the one way from messages to an answer.

Around the provider stand the layers of `LAYERS`, and fallback models around them all. Text that was given on is never
taken back: retries and fallbacks end with the first piece of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, ProviderError, UsageError
from opsvi_cli.foundation.resilience import first_that_answers
from opsvi_cli.foundation.resilience.deadline import at_most
from opsvi_cli.sdk import JSON, Finish, Message, ModelRequest, Provider, StreamEvent, TextDelta, ToolSpec

from .answer_cache import cache
from .boundary import TooSlowError, ask_provider
from .budget import budget
from .guard import guard
from .layers import Call, Layer, through
from .models import ModelChoice, choose_model, host_key, load_provider, parse_choice, require_model
from .pii import pii
from .reach import breaker, rate_limit, retry
from .trace import trace

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

__all__ = ["ModelChoice", "choose_model", "complete", "require_model", "stream_answer"]

LAYERS: tuple[Layer, ...] = (pii, budget, guard, cache, trace)
"""From the outside towards the provider, whoever that is."""
HOST_LAYERS: tuple[Layer, ...] = (rate_limit, breaker, retry)
"""Inside those, for a provider that asks a server."""
_ASK = through(LAYERS + HOST_LAYERS, ask_provider)
_ASK_HERE = through(LAYERS, ask_provider)


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked, whoever answers."""

    messages: Sequence[Message]
    schema: Mapping[str, JSON] | None
    temperature: float | None
    max_tokens: int | None
    stream: bool
    tools: Sequence[ToolSpec]

    def request(self, model: str) -> ModelRequest:
        return ModelRequest(
            model=model,
            messages=self.messages,
            stream=self.stream,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            schema=self.schema,
            tools=self.tools,
        )


def stream_answer(
    app: AppContext,
    choice: ModelChoice,
    messages: Sequence[Message],
    *,
    schema: Mapping[str, JSON] | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    stream: bool = True,
    tools: Sequence[ToolSpec] = (),
    answered: Callable[[ModelChoice], None] | None = None,
) -> Generator[StreamEvent, None, None]:
    """Events of one answer; the last is Finish. Closing the iterator cancels the call.

    `answered` is told, before the first event, which model gives it: not `choice` when a fallback stepped in, which is
    also said on stderr. Raises ProviderError, CredentialsError, DeadlineError, UsageError.
    """
    ask = _Ask(messages, schema, temperature, max_tokens, stream, tools)
    candidates = [choice, *_fallbacks(app, choice)]
    told = False

    def switched(failed: ModelChoice, following: ModelChoice, error: OpsviError) -> None:
        app.log.warning("%s cannot answer, %s is asked instead: %s", failed.name, following.name, error.message)

    def able(other: ModelChoice) -> bool:
        missing = _missing(load_provider(app, other), other, ask)
        if missing:
            app.log.warning("%s is not asked instead: it does not do %s", other.name, ", ".join(missing))
        return not missing

    events = first_that_answers(candidates, lambda c: _answer_of(app, c, ask), _others_may_answer, switched, able)
    for who, event in events:
        if not told and answered is not None:
            answered(who)
        told = True
        yield event


def complete(
    app: AppContext,
    choice: ModelChoice,
    messages: Sequence[Message],
    *,
    schema: Mapping[str, JSON] | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> tuple[str, Finish]:
    """The whole text of an answer, and how it ended. Raises as `stream_answer` does."""
    text: list[str] = []
    finish = Finish("stop")
    for event in stream_answer(
        app, choice, messages, schema=schema, temperature=temperature, max_tokens=max_tokens, stream=False
    ):
        if isinstance(event, TextDelta):
            text.append(event.text)
        elif isinstance(event, Finish):
            finish = event
    return "".join(text), finish


def _fallbacks(app: AppContext, choice: ModelChoice) -> list[ModelChoice]:
    """The models of `resilience.fallback`, except the one that is asked first."""
    others = [parse_choice(app, name) for name in app.settings.resilience.fallback]
    return [other for other in dict.fromkeys(others) if other != choice]


def _others_may_answer(error: OpsviError) -> bool:
    """Failures of this server; a wrong key or a refused request is for the user to mend."""
    return isinstance(error, ProviderError) and error.kind in ProviderError.RETRYABLE


def _answer_of(app: AppContext, choice: ModelChoice, ask: _Ask) -> Iterator[StreamEvent]:
    """One candidate's answer, through all layers."""
    services = app.foundation.for_part("provider", choice.provider, choice.options)
    provider = load_provider(app, choice, services)
    _check_can(provider, choice, ask)
    request = ask.request(choice.model)
    changed = app.plugins.prompt(request.messages, choice.name)
    if changed != list(request.messages):
        request = replace(request, messages=changed)
    call = Call(app, choice, provider, request, host_key(app, choice), asked=lambda: services.asked)
    longest = app.settings.resilience.total_timeout
    services.limit = at_most(longest, app.remaining, lambda: TooSlowError(call.server, longest))
    through_layers = _ASK if getattr(provider, "remote", True) else _ASK_HERE
    yield from through_layers(replace(call, remaining=services.limit))


def _check_can(provider: Provider, choice: ModelChoice, ask: _Ask) -> None:
    """Nothing that was asked for is left out in silence. Raises UsageError."""
    if missing := _missing(provider, choice, ask):
        raise UsageError(f"{choice.name} does not do {', '.join(missing)}", hint="`opsvi models` says what models do")


def _missing(provider: Provider, choice: ModelChoice, ask: _Ask) -> list[str]:
    """What is asked for and cannot be done."""
    attached = {item.media_type for message in ask.messages for item in message.attachments}
    wanted = {
        "schema": ask.schema is not None,
        "tools": bool(ask.tools),
        "images": any(kind.startswith("image/") for kind in attached),
        "files": any(not kind.startswith("image/") for kind in attached),
    }
    can = provider.capabilities(choice.model)
    return [name for name, needed in wanted.items() if needed and name not in can]
