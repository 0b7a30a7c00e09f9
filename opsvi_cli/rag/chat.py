"""`opsvi chat`: a conversation over a collection, with or without a model, saved turn by turn.

A turn is: save the question, find passages (a follow-up is searched together with the question before it), answer,
check the citations, save the answer. Whatever cuts a turn short leaves the question and the text so far in the session.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError
from opsvi_cli.llm.sessions import SavedMessage, Session, Sessions, history
from opsvi_cli.sdk import Answer, Hit, Message, Usage

from .answer_prompt import answer_messages
from .answers import (
    NO_MODEL,
    NOTHING,
    Found,
    OnNote,
    OnText,
    QueryOptions,
    cited_places,
    extractive_answer,
    note_finish,
    note_losses,
    pick_model,
    retrieve,
    stream_text,
)
from .citations import check_answer
from .context import Context, assemble, estimate_tokens
from .search import open_for_search
from .terms import content_words

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.models import ModelChoice

_SAVE_EVERY = 0.5
"""Seconds between two writes of an answer that grows: what a kill may lose."""
_REFERS = re.compile(
    r"^\W*(?:and|or|but|also|what about|how about|why|then|und|oder|et|y)\b|"
    r"\b(?:it|its|they|them|their|that|this|those|these|he|she|him|her|his|there|then|same|other|others|another|one)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """`query` holds how to search and which model; `retrieval` False: talk with the model alone."""

    query: QueryOptions = field(default_factory=QueryOptions)
    session: str | None = None
    resume_last: bool = False
    retrieval: bool = True


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One answered question. `places` are the citations with the section of each, as /sources shows them."""

    session: str
    number: int
    question: str
    answer: Answer
    places: tuple[dict[str, Any], ...]
    interrupted: bool = False


class Conversation:
    """A session that is being talked in. Close it when done."""

    def __init__(self, app: AppContext, options: ChatOptions, on_note: OnNote) -> None:
        self._app = app
        self._options = options
        self._note = on_note
        self._sessions = Sessions(app)
        self._dropped = 0
        self._told_no_model = False
        self._choice: ModelChoice | None = None
        self._session = self._resume()
        self._collection = options.query.search.collection or (self._session.collection if self._session else None)
        self._has_collection = options.retrieval and self._look_for_collection()
        self._pick(options.query.model or (self._session.model if self._session else None))
        if self._choice is None and not self._has_collection:
            raise NotFoundError(
                "there is nothing to talk with: no model is configured and no collection was made",
                hint="opsvi ingest FOLDER, or opsvi chat -m provider/model",
            )

    def close(self) -> None:
        self._sessions.close()

    @property
    def model(self) -> str | None:
        """`provider/model`; None when answers are the sources' own sentences."""
        return self._choice.name if self._choice is not None else None

    @property
    def session(self) -> Session | None:
        """None until the first question of a new session is saved."""
        return self._session

    @property
    def collection(self) -> str | None:
        """Where passages come from; None for a talk with the model alone."""
        if not self._has_collection:
            return None
        return self._collection or self._app.settings.collection

    def _resume(self) -> Session | None:
        if self._options.resume_last:
            session = self._sessions.last()
            if session is None:
                raise NotFoundError("there is no session to go on with", hint="opsvi chat starts one")
            return session
        wanted = self._options.session
        if wanted is None:
            return None
        found = self._sessions.get(wanted)
        return found if found is not None else self._sessions.create(name=wanted)

    def _look_for_collection(self) -> bool:
        store = open_for_search(self._app, replace(self._options.query.search, collection=self._collection))
        if store is None:
            return False
        store.close()
        return True

    def _pick(self, model: str | None) -> None:
        options = self._options.query
        self._choice = pick_model(self._app, model, options.base_url, extractive=options.extractive)

    def set_model(self, name: str) -> None:
        """Go on with another model. Raises UsageError for one that is not there."""
        self._pick(name)
        if self._session is not None:
            self._sessions.remember(self._session, model=self.model, collection=self.collection)

    def start_new(self) -> None:
        """Leave this session; the next question begins another."""
        self._session = None
        self._dropped = 0

    def last_places(self) -> tuple[dict[str, Any], ...]:
        """The sources of the last answer."""
        answer = self._last_answer()
        return answer.sources if answer is not None else ()

    def _last_answer(self) -> SavedMessage | None:
        turns = self._sessions.turns(self._session) if self._session is not None else []
        return turns[-1].answer if turns else None

    def retry(self, on_text: OnText) -> ChatTurn | None:
        """Answer the last question once more; the answer before is set aside. None when nothing was asked yet."""
        turns = self._sessions.turns(self._session) if self._session is not None else []
        if not turns:
            return None
        if turns[-1].answer is not None:
            self._sessions.replace_answer(turns[-1].answer.id)
        return self._answer(turns[-1].question.text, on_text)

    def ask(self, question: str, on_text: OnText) -> ChatTurn:
        """Save a question and answer it. An answer cut by Ctrl-C comes back with `interrupted` set.

        Raises OpsviError when no answer could be had; question and text so far are saved.
        """
        if self._session is None:
            self._session = self._sessions.create(model=self.model, collection=self.collection)
        self._sessions.add_question(self._session, question)
        return self._answer(question, on_text)

    def _answer(self, question: str, on_text: OnText) -> ChatTurn:
        session = self._session
        assert session is not None  # a question was saved in it
        self._sessions.remember(session, model=self.model, collection=self.collection)
        keeper = _Keeper(self._sessions, self._sessions.start_answer(session, self.model), on_text)
        turns = self._sessions.turns(session)
        earlier = turns[:-1]
        background = follow_up_background(question, [turn.question.text for turn in earlier])
        try:
            answer = self._reply(question, background, history(earlier), keeper)
        except KeyboardInterrupt:
            keeper.save()
            cut = Answer(keeper.text, False, (), (), self.model, Usage())
            return ChatTurn(session.name or session.id, len(turns), question, cut, (), interrupted=True)
        except BaseException:
            keeper.save()
            raise
        places = tuple(cited_places(answer))
        self._sessions.save_answer(
            keeper.message, answer.answer, status="complete", sources=list(places), usage=answer.usage
        )
        return ChatTurn(session.name or session.id, len(turns), question, answer, places)

    def _reply(
        self, question: str, background: str, pairs: Sequence[tuple[Message, Message]], on_text: OnText
    ) -> Answer:
        searched = f"{question} {background}".strip()
        if not self._has_collection:
            return self._written(question, Context(()), (), pairs, on_text)
        options = replace(self._options.query.search, collection=self._collection)
        with retrieve(self._app, searched, options, required=True) as found:
            if self._choice is None:
                return self._extracted(question, background, found, on_text)
        context = assemble(found.hits, tokens=self._app.settings.retrieval.context_tokens)
        note_losses(context, self._note)
        return self._written(question, context, found.hits, pairs, on_text)

    def _extracted(self, question: str, background: str, found: Found, on_text: OnText) -> Answer:
        if not self._told_no_model and not self._options.query.extractive:
            self._note(NO_MODEL)
            self._told_no_model = True
        sources = assemble(found.hits).sources
        answer = extractive_answer(question, sources, found, on_text, background=background)
        if not answer.answer:
            self._note(NOTHING)
        return answer

    def _written(
        self,
        question: str,
        context: Context,
        hits: tuple[Hit, ...],
        pairs: Sequence[tuple[Message, Message]],
        on_text: OnText,
    ) -> Answer:
        assert self._choice is not None  # without a model there is a collection, and the answer is extractive
        options = self._options.query
        kept = self._within_budget(pairs)
        messages = answer_messages(
            question,
            context.sources,
            system=options.system,
            history=[message for pair in kept for message in pair],
            from_sources=bool(context.sources),
        )
        written = stream_text(self._app, self._choice, messages, options, on_text)
        text, usage = written.text, written.finish.usage
        note_finish(written.finish, self._note)
        if not context.sources:
            return Answer(text, True, (), (), written.model, usage)
        check = check_answer(text, context.sources)
        # In a talk many sentences need no source: only citations that are wrong are worth a line.
        for problem in check.lines(uncited=False):
            self._note(f"warning: {problem}")
        return Answer(text, check.supported, check.citations, hits, written.model, usage, unsupported=check.unsupported)

    def _within_budget(self, pairs: Sequence[tuple[Message, Message]]) -> list[tuple[Message, Message]]:
        """The latest turns that fit in `chat.history_tokens`; says when fewer fit than before."""
        left, kept = self._app.settings.chat.history_tokens, []
        for pair in reversed(pairs):
            left -= sum(estimate_tokens(message.text) + 4 for message in pair)
            if left < 0:
                break
            kept.append(pair)
        dropped = len(pairs) - len(kept)
        if dropped > self._dropped:
            turns = "turn is" if dropped == 1 else f"{dropped} turns are"
            self._note(f"the oldest {turns} no longer sent to the model (chat.history_tokens); the session keeps them")
        self._dropped = dropped
        return kept[::-1]


class _Keeper:
    """Hands text on and saves it now and then."""

    def __init__(self, sessions: Sessions, message: int, on_text: OnText) -> None:
        self.message = message
        self._sessions = sessions
        self._on_text = on_text
        self._parts: list[str] = []
        self._saved = time.monotonic()

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def __call__(self, text: str) -> None:
        first = not self._parts
        self._parts.append(text)
        if first or time.monotonic() - self._saved >= _SAVE_EVERY:
            self.save()
        self._on_text(text)

    def save(self) -> None:
        self._sessions.save_answer(self.message, self.text)
        self._saved = time.monotonic()


def follow_up_background(question: str, earlier: Sequence[str]) -> str:
    """The question before, when this one leans on it ("and on Mondays?"); else nothing.

    Follow-ups of follow-ups go back to the question that stood on its own, three questions at most.
    """
    background: list[str] = []
    current = question
    for before in reversed(earlier[-3:]):
        if not _leans(current):
            break
        background.append(before)
        current = before
    return " ".join(background)


def _leans(question: str) -> bool:
    terms = content_words(question)
    return len(terms) <= 1 or (len(terms) <= 4 and bool(_REFERS.search(question)))
