"""What every provider's events must be before anyone sees them; nobody's plugin is trusted to keep to it.

An answer is at least one piece of text or a tool call, and a Finish. Half surrogate pairs become U+FFFD, so that the
text can be written anywhere. An answer that just ends, or never ends, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opsvi_cli.errors import CredentialsError, DeadlineError, NetworkError, OpsviError, ProviderError
from opsvi_cli.sdk import Finish, ReasoningDelta, StreamEvent, TextDelta

MAX_CHARACTERS = 16_000_000
_INCOMPLETE = "; the answer is incomplete"
_LONE = re.compile("[\ud800-\udfff]")


@dataclass
class Progress:
    """How far an answer has come: after the first piece it is neither retried nor asked of another model."""

    started: bool = False


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


def guarded(events: Iterator[StreamEvent], label: str, progress: Progress) -> Iterator[StreamEvent]:
    """The events of one answer of `label`, checked. Raises ProviderError, CredentialsError, DeadlineError.

    Closing this iterator closes the provider's.
    """
    try:
        yield from _checked(events, label, progress)
    except (ProviderError, CredentialsError, DeadlineError) as error:
        if progress.started:
            error.message += _INCOMPLETE
            error.args = (error.message,)
        raise
    except NetworkError as error:
        suffix = _INCOMPLETE if progress.started else ""
        raise ProviderError(f"{label}: {error.message}{suffix}", kind="bad-response", hint=error.hint) from error
    except OpsviError:
        raise
    except Exception as error:
        suffix = _INCOMPLETE if progress.started else ""
        raise ProviderError(
            f"{label}: the provider failed with {type(error).__name__}: {str(error)[:200]}{suffix}",
            kind="bad-response",
            hint="--debug shows where; `opsvi plugins list` says whose provider it is",
        ) from error
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _checked(events: Iterator[StreamEvent], label: str, progress: Progress) -> Iterator[StreamEvent]:
    joiner = _Joiner()
    characters = 0
    shown = False
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            characters += len(event.text)
            if characters > MAX_CHARACTERS:
                raise ProviderError(f"{label}: the answer does not end", kind="bad-response", hint="ask another model")
            if isinstance(event, ReasoningDelta):
                progress.started = True
                yield ReasoningDelta(clean(event.text))
            elif text := joiner.feed(event.text):
                progress.started = shown = True
                yield TextDelta(text)
        elif isinstance(event, Finish):
            if text := joiner.rest():
                progress.started = shown = True
                yield TextDelta(text)
            _check_end(event, label, shown)
            yield event
            return
        else:
            raise ProviderError(
                f"{label}: the provider gave {type(event).__name__}, which is no event", kind="bad-response"
            )
    raise ProviderError(
        f"{label}: the answer ends in the middle" if shown else f"{label}: the answer is empty",
        kind="bad-response",
        hint="try again, or ask another model",
    )


def _check_end(finish: Finish, label: str, shown: bool) -> None:
    """A refusal is never a success, nor is an answer without a word."""
    match finish.reason:
        case "filter":
            raise ProviderError(
                f"{label}: the server's content filter stopped the answer", kind="refused", hint="word it differently"
            )
        case "refusal":
            raise ProviderError(f"{label}: the model refused to answer", kind="refused", hint="word it differently")
        case "length" if not shown:
            raise ProviderError(
                f"{label}: the limit of tokens was reached before the first word",
                kind="bad-response",
                hint="allow more with --max-tokens",
            )
        case _ if not shown and not finish.tool_calls:
            raise ProviderError(
                f"{label}: the answer is empty", kind="bad-response", hint="try again, or ask another model"
            )
