"""What of a long conversation a model is shown again: the latest turns that fit, and a summary of those before.

The limit is `chat.history_tokens`, or less when the model's window is known to be too small for it. Turns that no
longer fit are dropped from the request, never from the session; when a model is at hand it writes, once, a summary of
them that is kept in the session and sent in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError
from opsvi_cli.llm.fencing import RULE, fenced
from opsvi_cli.llm.session_records import Pair, Session
from opsvi_cli.llm.sessions import Sessions
from opsvi_cli.llm.tokens import estimate_request, estimate_tokens
from opsvi_cli.sdk import Attachment, Message, ModelRequest

from .answers import OnNote

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.models import ModelChoice

_SMALL = 3000
"""Tokens that every model can read: below this nobody's window is looked up."""
_ANSWER = 1000
"""Tokens kept free for an answer of no given length."""
_REST = 0.6
"""Part of the limit that is filled again after turns were dropped, so that not every turn drops another."""
_SUMMARY_SHARE = 4
_LONGEST_QUOTED = 4000
_ASK_SUMMARY = """\
Below stands the beginning of a conversation between a user and an assistant. Summarize it for an assistant that goes on
with it and does not see it: what was asked and answered, names, numbers, decisions, and what is still open.
At most {words} words, in the language of the conversation. Write the summary alone."""


def message_tokens(message: Message) -> int:
    """About how many tokens a message is."""
    return estimate_request(ModelRequest(model="", messages=[message]))


def _cost(pairs: Sequence[Pair]) -> int:
    return sum(message_tokens(pair.question) + message_tokens(pair.answer) for pair in pairs)


class ChatHistory:
    """Chooses the earlier messages of each request. `used` and `limit` are those of the last one, in tokens."""

    def __init__(self, app: AppContext, sessions: Sessions, on_note: OnNote) -> None:
        self._app = app
        self._sessions = sessions
        self._note = on_note
        self._told = 0
        self._told_cannot = ""
        self._may_summarize = app.settings.chat.summarize
        self.used = 0
        self.limit = app.settings.chat.history_tokens

    def forget(self) -> None:
        """Another session begins."""
        self._told = 0
        self.used = 0

    def waiting(self, session: Session, pairs: Sequence[Pair]) -> int:
        """Tokens of what a next request would bring again, within the limit."""
        fresh = [pair for pair in pairs if pair.id > session.summarized]
        tokens = estimate_tokens(session.summary) + _cost(fresh)
        return min(tokens, self.limit)

    def messages(
        self,
        session: Session,
        pairs: Sequence[Pair],
        choice: ModelChoice,
        *,
        other: int,
        max_tokens: int | None = None,
        cap: int | None = None,
    ) -> list[Message]:
        """The earlier messages to send. `other`: tokens of the rest of the request; `cap`: a limit below the usual."""
        limit = self._limit(choice, other, _cost(pairs), max_tokens)
        self.limit = limit if cap is None else min(limit, cap)
        fresh = [pair for pair in pairs if pair.id > session.summarized]
        summary = session.summary if len(fresh) < len(pairs) else ""
        if not self._fits(summary, fresh):
            left = self.limit - estimate_tokens(summary)
            dropped = self._overflow(fresh, left)
            if self._may_summarize:
                dropped = max(dropped, self._overflow(fresh, int(self.limit * _REST)))
                made = self._summarized(session, summary, fresh[:dropped], choice)
                if made is None:
                    dropped = self._overflow(fresh, left)
                else:
                    summary = made
            fresh = fresh[dropped:]
            self._say(len(pairs) - len(fresh), with_summary=bool(summary))
        shown = [*_summary_messages(summary), *(m for pair in fresh for m in (pair.question, pair.answer))]
        shown = self._readable(shown, choice)
        self.used = sum(map(message_tokens, shown))
        return shown

    def _readable(self, messages: list[Message], choice: ModelChoice) -> list[Message]:
        """Without the earlier attachments that this model cannot read: /model may have named another since."""
        if not any(message.attachments for message in messages):
            return messages
        from opsvi_cli.llm.models import load_provider

        can = load_provider(self._app, choice).capabilities(choice.model)
        kept, missing = [], dict[str, None]()
        for message in messages:
            left_out = [file for file in message.attachments if _needs(file) not in can]
            missing |= dict.fromkeys(map(_needs, left_out))
            files = tuple(file for file in message.attachments if file not in left_out)
            marks = "".join(f"\n[{file.name}: {file.media_type}, not shown to you]" for file in left_out)
            kept.append(replace(message, text=message.text + marks, attachments=files))
        if missing and choice.name != self._told_cannot:
            self._note(f"{choice.name} does not do {', '.join(missing)}: those of earlier turns are not sent")
            self._told_cannot = choice.name
        return kept

    def _limit(self, choice: ModelChoice, other: int, wanted: int, max_tokens: int | None) -> int:
        limit = self._app.settings.chat.history_tokens
        answer = max_tokens or _ANSWER
        if min(limit, wanted) + other + answer > _SMALL:
            from opsvi_cli.llm.prices import context_window

            window = context_window(self._app, choice)
            if window is not None:
                limit = max(0, min(limit, window - other - answer))
        return limit

    def _fits(self, summary: str, pairs: Sequence[Pair]) -> bool:
        return estimate_tokens(summary) + _cost(pairs) <= self.limit

    @staticmethod
    def _overflow(pairs: Sequence[Pair], limit: int) -> int:
        """How many of the oldest must go."""
        left = limit
        for kept, pair in enumerate(reversed(pairs)):
            left -= _cost([pair])
            if left < 0:
                return len(pairs) - kept
        return 0

    def _say(self, gone: int, *, with_summary: bool) -> None:
        if gone > self._told:
            turns = "turn is" if gone == 1 else f"{gone} turns are"
            instead = "a summary stands in for them" if with_summary else "the session keeps them"
            self._note(f"the oldest {turns} no longer sent to the model (chat.history_tokens); {instead}")
        self._told = gone

    def _summarized(self, session: Session, before: str, pairs: Sequence[Pair], choice: ModelChoice) -> str | None:
        """A summary of `before` and the pairs, saved; None when the model gives none."""
        if not pairs:
            return None
        from opsvi_cli.llm.calls import complete

        room = max(50, self.limit // _SUMMARY_SHARE)
        messages = [
            Message("system", f"{_ASK_SUMMARY.format(words=max(40, room * 3 // 5))}\n{RULE}"),
            Message("user", _transcript(before, pairs)),
        ]
        try:
            summary, _ = complete(self._app, choice, messages, max_tokens=max(_ANSWER, room))
        except OpsviError as error:
            self._may_summarize = False
            self._note(f"no summary of the oldest turns: {error.message}")
            return None
        summary = summary.strip()[: room * 4]
        self._sessions.summarize(session, summary, pairs[-1].id)
        return summary


def _needs(file: Attachment) -> str:
    """What a model must be able to do to read it."""
    return "images" if file.media_type.startswith("image/") else "files"


def _transcript(before: str, pairs: Sequence[Pair]) -> str:
    lines = [f"Summary of what came before: {before}"] if before else []
    for pair in pairs:
        lines += [f"User: {_quoted(pair.question.text)}", f"Assistant: {_quoted(pair.answer.text)}"]
    return fenced("\n\n".join(lines), "conversation")


def _quoted(text: str) -> str:
    """A message, its middle left out when it is very long."""
    if len(text) <= _LONGEST_QUOTED:
        return text
    half = _LONGEST_QUOTED // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _summary_messages(summary: str) -> list[Message]:
    """As a turn of its own: the roles alternate, and what a model wrote never becomes a rule of the system."""
    if not summary:
        return []
    return [
        Message("user", fenced(summary, "Summary of the conversation so far")),
        Message("assistant", "I go on from there."),
    ]
