"""The contract of `sdk.Provider`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args, get_type_hints

from opsvi_cli.sdk import (
    CredentialsError,
    Finish,
    Message,
    ModelInfo,
    ModelRequest,
    Provider,
    ProviderError,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)

from .contract import Contract, describe, is_text, show

CAPABILITIES = frozenset({"stream", "tools", "schema", "images", "files", "usage", "reasoning"})
MOST_EVENTS = 100_000
NO_MODEL = "opsvi-contract-no-such-model"
_REASONS: tuple[str, ...] = get_args(get_type_hints(Finish)["reason"])
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_TOOL = ToolSpec("lookup", "Looks a word up.", {"type": "object", "properties": {"word": {"type": "string"}}})


def check_provider(provider: Provider, *, model: str) -> None:
    """Hold a provider to its contract, with a few short requests to `model` (its own name, without the prefix).

    Needs a model that answers: a server on this machine, or a real one, which may cost something. Raises ContractError.
    """
    with Contract(provider) as contract:
        able = _capabilities(contract, provider, model)
        _models(contract, provider)
        hello = ModelRequest(model, [Message("system", "Answer in one word."), Message("user", "Say hello.")])
        _answer(contract, provider, hello, able, "a request")
        _answer(contract, provider, replace(hello, stream=False), able, "a request with stream=False")
        if "schema" in able:
            _answer(contract, provider, replace(hello, schema=_SCHEMA), able, "a request with a schema")
        if "tools" in able:
            _answer(contract, provider, replace(hello, tools=[_TOOL]), able, "a request with tools")
        _closed_early(contract, provider, hello)
        _answer(contract, provider, hello, able, "a request after one that was cancelled")
        _unknown_model(contract, provider, replace(hello, model=NO_MODEL))


def _capabilities(contract: Contract, provider: Provider, model: str) -> frozenset[str]:
    able: Any = frozenset()
    with contract.attempt(f"`capabilities({model!r})`"):
        able = provider.capabilities(model)
        if not contract.expect(
            isinstance(able, frozenset), "`capabilities` must give a frozenset", f"it gave {show(able)}"
        ):
            return frozenset()
        contract.expect(
            able <= CAPABILITIES,
            f"`capabilities` must be of {', '.join(sorted(CAPABILITIES))}",
            f"it gave {', '.join(sorted(map(str, able - CAPABILITIES)))} too",
        )
    return frozenset(able)


def _models(contract: Contract, provider: Provider) -> None:
    """A server that has no list may refuse it with ProviderError or CredentialsError."""
    found: Any = []
    with contract.attempt("`models`"):
        try:
            found = provider.models()
        except (ProviderError, CredentialsError):
            return
    right = isinstance(found, list) and all(isinstance(model, ModelInfo) for model in found)
    if not contract.expect(right, "`models` must give a list of ModelInfo", f"it gave {show(found)}"):
        return
    ids = [model.id for model in found]
    contract.expect(all(map(is_text, ids)), "every model must have an id", f"the ids are {show(ids)}")
    twice = sorted({str(id_) for id_ in ids if ids.count(id_) > 1})
    contract.expect(not twice, "every model must have an id of its own", f"{', '.join(twice)} is there twice")
    for model in found:
        contract.expect(
            is_text(model.provider), "every model must name its provider", f"{show(model.id)} has {model.provider!r}"
        )
        contract.expect(
            isinstance(model.capabilities, frozenset) and model.capabilities <= CAPABILITIES,
            f"the capabilities of a model must be a frozenset of {', '.join(sorted(CAPABILITIES))}",
            f"{show(model.id)} has {show(model.capabilities)}",
        )
        window: Any = model.context_window
        contract.expect(
            window is None or (isinstance(window, int) and not isinstance(window, bool) and window > 0),
            "`context_window` must be None or a number of tokens",
            f"{show(model.id)} has {show(window)}",
        )


def _answer(
    contract: Contract, provider: Provider, request: ModelRequest, able: frozenset[str], what: str
) -> list[StreamEvent]:
    messages = list(request.messages)
    events: list[Any] = []
    with contract.attempt(what):
        events = list(itertools.islice(provider.stream(request), MOST_EVENTS))
        _events(contract, events, able)
    contract.equal(list(request.messages), messages, "the messages of a request must be left as they are")
    return events


def _events(contract: Contract, events: Sequence[Any], able: frozenset[str]) -> None:
    """What the guard of opsvi would refuse, and more."""
    if not contract.expect(len(events) < MOST_EVENTS, "an answer must end", f"{MOST_EVENTS} events came"):
        return
    strange = [event for event in events if not isinstance(event, (TextDelta, ReasoningDelta, Finish))]
    contract.expect(not strange, "an answer is made of TextDelta, ReasoningDelta and Finish", f"{show(strange)} came")
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            contract.expect(isinstance(event.text, str), "the text of an event must be a str", f"{show(event)} came")
    ends = [place for place, event in enumerate(events) if isinstance(event, Finish)]
    if not contract.expect(len(ends) == 1, "an answer must have exactly one Finish", f"it has {len(ends)}"):
        return
    contract.expect(
        ends[0] == len(events) - 1, "Finish must be the last event", f"{show(events[ends[0] + 1 :])} came after it"
    )
    finish = events[ends[0]]
    shown = any(isinstance(event, TextDelta) and event.text for event in events)
    contract.expect(
        shown or bool(finish.tool_calls) or finish.reason in ("filter", "refusal", "length"),
        "an answer must have text or a tool call",
        f"it has {show(events)}",
    )
    _finish(contract, finish, able)


def _finish(contract: Contract, finish: Finish, able: frozenset[str]) -> None:
    contract.expect(
        finish.reason in _REASONS, f"the reason of Finish must be one of {', '.join(_REASONS)}", show(finish.reason)
    )
    if not contract.expect(
        isinstance(finish.usage, Usage), "the usage of Finish must be Usage", f"it is {show(finish.usage)}"
    ):
        return
    counts = (finish.usage.input_tokens, finish.usage.output_tokens)
    good = all(n is None or (isinstance(n, int) and not isinstance(n, bool) and n >= 0) for n in counts)
    contract.expect(good, "tokens must be counted in whole numbers, or be None", f"they are {show(counts)}")
    if "usage" in able:
        contract.expect(
            None not in counts, "a provider with the capability `usage` must count tokens", f"it gave {show(counts)}"
        )
    for call in finish.tool_calls:
        whole = isinstance(call, ToolCall) and is_text(call.id) and is_text(call.name)
        contract.expect(
            whole and isinstance(call.arguments, str),
            "a tool call must have an id, a name and its arguments as text",
            f"it is {show(call)}",
        )


def _closed_early(contract: Contract, provider: Provider, request: ModelRequest) -> None:
    events = contract.closable("stream", lambda: provider.stream(request))
    if events is None:
        return
    with contract.attempt("closing an answer after its first event"):
        next(events)
        events.close()
        rest = list(itertools.islice(events, 10))
        contract.expect(not rest, "a closed answer must give nothing more", f"it gave {show(rest)}")
    with contract.attempt("closing an answer before its first event"):
        again: Any = provider.stream(request)
        again.close()


def _unknown_model(contract: Contract, provider: Provider, request: ModelRequest) -> None:
    """Some servers answer whatever the model is called; what they must not do is fail in an unknown way."""
    promise = "a model that is not there must be refused with ProviderError or CredentialsError"
    try:
        events = list(itertools.islice(provider.stream(request), MOST_EVENTS))
    except (ProviderError, CredentialsError) as error:
        contract.expect(
            is_text(error.message) and "\n" not in error.message,
            "an error must say in one line what failed",
            f"it says {show(error.message)}",
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001
        contract.expect(False, promise, f"it raised {describe(error)}")
    else:
        ended = bool(events) and isinstance(events[-1], Finish)
        contract.expect(ended, promise, f"it gave {show(events)}")
