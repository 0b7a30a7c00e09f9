"""`opsvi chat`: a conversation over a collection, with or without a model, saved turn by turn.

A turn is: save the question, find passages (a follow-up is searched together with the question before it), answer,
check the citations, save the answer. Whatever cuts a turn short leaves the question and the text so far in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError, ProviderError
from opsvi_cli.llm.fencing import has_fence, with_rule
from opsvi_cli.llm.session_records import Session, Turn, history, with_attachments
from opsvi_cli.llm.sessions import Sessions
from opsvi_cli.sdk import Answer, Attachment, Hit, Message, ToolCall, ToolResult, Usage

from .answer_prompt import answer_messages
from .answers import (
    NO_MODEL,
    NOTHING,
    Found,
    OnNote,
    OnText,
    QueryOptions,
    Written,
    cited_places,
    extractive_answer,
    note_finish,
    note_losses,
    pick_model,
    retrieve,
    stream_text,
)
from .chat_follow_up import follow_up_background
from .chat_history import ChatHistory, message_tokens
from .chat_keeper import Keeper
from .citations import check_answer
from .context import Context, assemble
from .search import open_for_search

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.models import ModelChoice
    from opsvi_cli.llm.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """`query` holds how to search and which model; `retrieval` False: talk with the model alone."""

    query: QueryOptions = field(default_factory=QueryOptions)
    session: str | None = None
    resume_last: bool = False
    retrieval: bool = True
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One answered question. `places` are the citations with the section of each, as /sources shows them."""

    session: str
    number: int
    question: str
    answer: Answer
    places: tuple[dict[str, Any], ...]
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one turn is about: the words, the message with its files, and what was said before."""

    question: str
    message: Message
    earlier: Sequence[Turn]
    tainted: bool
    """Text of others is in it, or was read earlier in this conversation."""


class Conversation:
    """A session that is being talked in. Close it when done."""

    def __init__(
        self,
        app: AppContext,
        options: ChatOptions,
        on_note: OnNote,
        on_call: Callable[[ToolCall, ToolResult], None],
    ) -> None:
        self._app = app
        self._options = options
        self._note = on_note
        self._on_call = on_call
        self.sessions = Sessions(app)
        self.history = ChatHistory(app, self.sessions, on_note)
        self._told_no_model = False
        self._choice: ModelChoice | None = None
        self._toolbox: Toolbox | None = None
        self._session = self._resume()
        self._system = options.query.system or (self._session.system if self._session else "")
        if self._session is not None and options.query.system:
            self.sessions.instruct(self._session, self._system)
        self._collection = options.query.search.collection or (self._session.collection if self._session else None)
        self._has_collection = options.retrieval and self._look_for_collection()
        self._base_url = options.query.base_url
        self._pick_as(self._session, options.query.model)
        if self._choice is None and not self._has_collection:
            raise NotFoundError(
                "there is nothing to talk with: no model is configured and no collection was made",
                hint="opsvi ingest FOLDER, or opsvi chat -m provider/model",
            )
        self.use_tools(options.tools)

    def close(self) -> None:
        if self._toolbox is not None:
            self._toolbox.close()
        self.sessions.close()

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

    @property
    def system(self) -> str:
        """The user's instructions; empty when there are none."""
        return self._system

    @property
    def tools(self) -> list[str]:
        """The tools that the model may call."""
        return self._toolbox.names if self._toolbox is not None else []

    def use_tools(self, names: Sequence[str]) -> None:
        """Let the model call these tools and no others. Raises UsageError for one that is not there."""
        from .tools import open_toolbox

        opened = open_toolbox(self._app, names, self._on_call) if names else None
        if self._toolbox is not None:
            self._toolbox.close()
        self._toolbox = opened

    def _resume(self) -> Session | None:
        if self._options.resume_last:
            session = self.sessions.last()
            if session is None:
                raise NotFoundError("there is no session to go on with", hint="opsvi chat starts one")
            return session
        wanted = self._options.session
        if wanted is None:
            return None
        return self.sessions.begin(wanted)

    def _look_for_collection(self) -> bool:
        store = open_for_search(self._app, replace(self._options.query.search, collection=self._collection))
        if store is None:
            return False
        store.close()
        return True

    def _pick(self, model: str | None) -> None:
        self._choice = pick_model(self._app, model, self._base_url, extractive=self._options.query.extractive)

    def _pick_as(self, session: Session | None, model: str | None = None) -> None:
        """The model of a session, at the server where it was asked: what was said there is sent nowhere else."""
        if session is not None and session.model and model is None and self._options.query.base_url is None:
            self._base_url = session.base_url or None
        self._pick(model or (session.model if session is not None else None))

    def set_model(self, name: str) -> None:
        """Go on with another model. Raises UsageError for one that is not there."""
        self._pick(name)
        if self._session is not None:
            self._remember(self._session)

    def _remember(self, session: Session) -> None:
        base_url = self._choice.base_url if self._choice is not None else ""
        self.sessions.remember(session, model=self.model, base_url=base_url, collection=self.collection)

    def set_system(self, text: str) -> None:
        """Go on under other instructions; none when `text` is empty."""
        self._system = text
        if self._session is not None:
            self.sessions.instruct(self._session, text)

    def save_as(self, name: str) -> Session:
        """Give this session a name. Raises UsageError when it is taken."""
        if self._session is None:
            self._session = self._new_session(name)
        else:
            self._session = self.sessions.rename(self._session, name)
        return self._session

    def _new_session(self, name: str | None = None) -> Session:
        session = self.sessions.create(name=name, model=self.model, collection=self.collection)
        if self._system:
            self.sessions.instruct(session, self._system)
        return self.sessions.find(session.id)

    def start_new(self) -> None:
        """Leave this session; the next question begins another."""
        self._enter(None, self._options.query.system)

    def resume(self, wanted: str) -> Session:
        """Go on with another session, its model and instructions. Raises NotFoundError."""
        session = self.sessions.find(wanted)
        if session.model and not self._options.query.extractive:
            self._pick_as(session)
        if session.collection and self._options.retrieval:
            self._collection = session.collection
            self._has_collection = self._look_for_collection()
        self._enter(session, session.system)
        return session

    def _enter(self, session: Session | None, system: str) -> None:
        self._session, self._system = session, system
        self.history.forget()
        if self._toolbox is not None:
            self._toolbox.tainted = False  # whose talk brought text of others is written in the session

    def turns(self) -> list[Turn]:
        """What was said in this session."""
        return self.sessions.turns(self._session) if self._session is not None else []

    def history_tokens(self) -> tuple[int, int]:
        """About how many tokens of this session are sent again with the next question, and how many may be."""
        session = self.sessions.get(self._session.id) if self._session is not None else None
        if session is None:
            return 0, self.history.limit
        return self.history.waiting(session, history(self.turns())), self.history.limit

    def undo(self) -> Turn | None:
        """Set the last turn aside; None when there is none."""
        last = self.sessions.undo(self._session) if self._session is not None else None
        if last is not None and self._session is not None:
            self._session = self.sessions.find(self._session.id)
        return last

    def last_places(self) -> tuple[dict[str, Any], ...]:
        """The sources of the last answer."""
        turns = self.turns()
        answer = turns[-1].answer if turns else None
        return answer.sources if answer is not None else ()

    def retry(self, on_text: OnText) -> ChatTurn | None:
        """Answer the last question once more; the answer before is set aside. None when nothing was asked yet."""
        turns = self.turns()
        if not turns:
            return None
        session, last = self._session, turns[-1]
        assert session is not None  # it has turns
        place = self.sessions.begin_again(session, last, self.model)
        return self._answer(session, place, last.question.text, last.question.attachments, on_text)

    def ask(
        self,
        question: str,
        on_text: OnText,
        attachments: Sequence[Attachment] = (),
        on_saved: Callable[[], None] = lambda: None,
    ) -> ChatTurn:
        """Save a question and answer it. An answer cut by Ctrl-C comes back with `interrupted` set.

        Raises OpsviError when no answer could be had; question and text so far are saved.
        """
        if self._session is not None and self.sessions.get(self._session.id) is None:
            self._note(f"session {self._session.label} was removed; a new one begins")
            self._enter(None, self._system)
        if self._session is None:
            self._session = self._new_session()
        place = self.sessions.begin_turn(self._session, question, attachments, self.model)
        on_saved()
        return self._answer(self._session, place, question, attachments, on_text)

    def _answer(
        self, session: Session, place: int, question: str, attachments: Sequence[Attachment], on_text: OnText
    ) -> ChatTurn:
        """`place` is the id of the answer to come."""
        self._remember(session)
        keeper = Keeper(self.sessions, place, on_text)
        # Another chat on the session may have gone on already.
        turns = [turn for turn in self.sessions.turns(session) if turn.question.id < place]
        message = with_attachments(question, attachments)
        tainted = bool(self.sessions.find(session.id).tainted) or any(map(_brought_text, turns))
        asked = _Asked(question, message, turns[:-1], tainted)
        try:
            answer = self._reply(asked, keeper)
        except KeyboardInterrupt:
            keeper.save()
            cut = Answer(keeper.text, False, (), (), self.model, Usage())
            return ChatTurn(session.label, len(turns), question, cut, (), interrupted=True)
        except BaseException:
            keeper.save()
            raise
        finally:
            if self._toolbox is not None and self._toolbox.tainted and not tainted:
                self.sessions.taint(session)
        places = tuple(cited_places(answer))
        self.sessions.save_answer(
            keeper.message,
            answer.answer,
            status="complete",
            sources=list(places),
            usage=answer.usage,
            model=answer.model,
        )
        return ChatTurn(session.label, len(turns), question, answer, places)

    def _reply(self, asked: _Asked, on_text: OnText) -> Answer:
        if not self._has_collection:
            return self._written(asked, Context(()), (), on_text)
        background = follow_up_background(asked.question, [turn.question.text for turn in asked.earlier])
        options = replace(self._options.query.search, collection=self._collection)
        with retrieve(self._app, f"{asked.question} {background}".strip(), options, required=True) as found:
            if self._choice is None:
                return self._extracted(asked.question, background, found, on_text)
        context = assemble(found.hits, tokens=self._app.settings.retrieval.context_tokens)
        note_losses(context, self._note)
        return self._written(asked, context, found.hits, on_text)

    def _extracted(self, question: str, background: str, found: Found, on_text: OnText) -> Answer:
        if not self._told_no_model and not self._options.query.extractive:
            self._note(NO_MODEL)
            self._told_no_model = True
        sources = assemble(found.hits).sources
        answer = extractive_answer(question, sources, found, on_text, background=background)
        if not answer.answer:
            self._note(NOTHING)
        return answer

    def _written(self, asked: _Asked, context: Context, hits: tuple[Hit, ...], on_text: OnText) -> Answer:
        written = self._call(asked, context, on_text)
        text, usage = written.text, written.finish.usage
        note_finish(written.finish, self._note)
        if not context.sources:
            return Answer(text, True, (), (), written.model, usage)
        check = check_answer(text, context.sources)
        # In a talk many sentences need no source: only citations that are wrong are worth a line.
        for problem in check.lines(uncited=False):
            self._note(f"warning: {problem}")
        return Answer(text, check.supported, check.citations, hits, written.model, usage, unsupported=check.unsupported)

    def _call(self, asked: _Asked, context: Context, on_text: OnText) -> Written:
        """Ask the model; once more with half of the history when it was more than the model can read."""
        try:
            return self._call_once(asked, context, on_text, cap=None)
        except ProviderError as error:
            if error.kind != "context" or "partial" in error.details or not self.history.used:
                raise
            self._note(f"{error.message}; trying again with less of the conversation")
        return self._call_once(asked, context, on_text, cap=self.history.used // 2)

    def _call_once(self, asked: _Asked, context: Context, on_text: OnText, *, cap: int | None) -> Written:
        choice, session = self._choice, self._session
        assert choice is not None  # without a model there is a collection, and the answer is extractive
        assert session is not None
        options = self._options.query
        grounded = bool(context.sources)
        first = answer_messages(asked.message.text, context.sources, system=self._system, from_sources=grounded)
        before = self.history.messages(
            self.sessions.find(session.id),
            history(asked.earlier),
            choice,
            other=sum(map(message_tokens, first)),
            max_tokens=options.max_tokens,
            cap=cap,
        )
        last = replace(first[-1], attachments=asked.message.attachments)
        messages = [*first[:-1], *before, last]
        if has_fence(messages):
            messages = with_rule(messages)
        tainted = grounded or asked.tainted
        if tainted and not asked.tainted:  # what an answer takes over from passages need not be cited
            self.sessions.taint(session)
        return stream_text(self._app, choice, messages, options, on_text, toolbox=self._toolbox, tainted=tainted)


def _brought_text(turn: Turn) -> bool:
    """True for a turn that brought text of others into the conversation."""
    return bool(turn.question.attachments) or (turn.answer is not None and bool(turn.answer.sources))
