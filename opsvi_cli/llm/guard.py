"""What every answer must be before anyone sees it; nobody's plugin is trusted to keep to it.

An answer is at least one piece of text or a tool call, and a Finish. Half surrogate pairs become U+FFFD, so that the
text can be written anywhere. An answer that just ends, or never ends, is an error.
"""

from __future__ import annotations

import contextlib
import re

from opsvi_cli.errors import CredentialsError, DeadlineError, OpsviError, ProviderError
from opsvi_cli.sdk import Finish, ReasoningDelta, TextDelta

from .boundary import completed, reword
from .layers import Below, Call, Events

MAX_CHARACTERS = 16_000_000
_INCOMPLETE = "; the answer is incomplete"
_EMPTY = "the answer is empty"
_AGAIN = "try again, or ask another model"
_LONE = re.compile("[\ud800-\udfff]")


class _Joiner:
    """Replaces lone surrogates; a pair cut in two by a chunk's end is put together again."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held, text = text[-1], text[:-1]
        return clean(text)

    def rest(self) -> str:
        held, self._held = self._held, ""
        return clean(held)


def clean(text: str) -> str:
    """Text without lone surrogates."""
    if not _LONE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def guard(call: Call, below: Below) -> Events:
    """The events of one answer, checked. Raises ProviderError, CredentialsError, DeadlineError.

    An error of the server that comes after text says that the answer is incomplete.
    """
    try:
        with contextlib.closing(below(call)) as events:
            yield from _checked(events, call)
    except (ProviderError, CredentialsError, DeadlineError) as error:
        if not isinstance(error, DeadlineError):
            completed(error, call.server)
        if call.progress.said and "outcome" not in call.notes:
            reword(error, error.message + _INCOMPLETE)
        raise


def _checked(events: Events, call: Call) -> Events:
    joiner = _Joiner()
    characters = 0
    progress = call.progress
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            characters += len(event.text)
            if characters > MAX_CHARACTERS:
                raise _bad(call, "the answer does not end", "ask another model")
            if isinstance(event, ReasoningDelta):
                yield ReasoningDelta(clean(event.text))
            elif text := joiner.feed(event.text):
                progress.said = progress.said or not text.isspace()
                yield TextDelta(text)
        else:
            if text := joiner.rest():
                progress.said = True
                yield TextDelta(text)
            problem = _problem(event, call)
            for _ in events:  # lets the layers below finish before anyone sees the end
                pass
            if problem is not None:
                raise problem
            yield event
            return
    raise _bad(call, "the answer ends in the middle" if progress.said else _EMPTY, _AGAIN)


def _problem(finish: Finish, call: Call) -> OpsviError | None:
    """A refusal is never a success, nor is an answer without a word, nor one that is cut where nobody asked for it."""
    said = call.progress.said
    offered = {tool.name for tool in call.request.tools}
    match finish.reason:
        case "filter":
            return _bad(call, "the server's content filter stopped the answer", "word it differently", "refused")
        case "refusal":
            return _bad(call, "the model refused to answer", "word it differently", "refused")
        case "length" if not said:
            return _bad(call, "the limit of tokens was reached before the first word", "allow more with --max-tokens")
        case "length" if call.request.max_tokens is None:
            what = "the answer is incomplete: the model reached its limit of tokens"
            return _bad(call, what, "allow more with --max-tokens, or ask for less", "context")
        case _ if finish.tool_calls and not offered:
            names = ", ".join(sorted({tool.name for tool in finish.tool_calls}))
            return _bad(call, f"the model calls a tool that it was not given: {call.server.clean(names)}", _AGAIN)
        case _ if not said and not finish.tool_calls:
            return _bad(call, _EMPTY, _AGAIN)
    return None


def _bad(call: Call, what: str, hint: str, kind: str = "bad-response") -> OpsviError:
    call.notes["outcome"] = kind
    server = call.server
    return completed(ProviderError(f"{server.label}: {what}", kind=kind, hint=hint), server)
