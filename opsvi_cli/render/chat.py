"""The chat as people and scripts see it: a prompt on a terminal, a line a message in a pipe."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import ExitCode, OpsviError, ProviderError
from opsvi_cli.sdk import ToolCall, ToolResult

from .answers import answer_writer, citation_record, show_sources
from .chat_commands import SlashCommands
from .chat_lines import messages
from .chat_recall import show_last_turn
from .live_lines import can_redraw
from .output import dump, message, pick

if TYPE_CHECKING:
    from opsvi_cli.rag.chat import ChatTurn, Conversation

FIELDS = ("session", "turn", "question", "answer", "citations", "model", "usage")
PROMPT = "> "
_SHOWN_ARGUMENTS = 120
_GOODBYES = ("exit", "quit")
"""What leaves other prompts, and would be a message that costs here; on a terminal only."""

Asking = Callable[[Callable[[str], None]], "ChatTurn | None"]


class Chat:
    """Reads messages, runs slash commands, shows answers."""

    def __init__(self, app: AppContext, conversation: Conversation, *, stream: bool) -> None:
        self._app = app
        self._talk = conversation
        self._stream = stream
        self._commands = SlashCommands(app, conversation, self.show)
        self._records: list[dict[str, Any]] = []

    def on_terminal(self) -> None:
        """Until /exit or Ctrl-D. Ctrl-C stops an answer; at an empty prompt it leaves (KeyboardInterrupt)."""
        where = self._talk.collection or "no collection"
        message(self._app, f"{self._talk.model or 'no model'} · {where} · /help for commands, Ctrl-D to leave")
        session = self._talk.session
        if session is not None and session.messages:
            message(self._app, f"session {session.label}, {session.messages} messages; the last turn:")
            show_last_turn(self._app, self._talk)
        elif session is not None:
            message(self._app, f"session {session.label} is new")
        try:
            self._converse()
        finally:
            session = self._talk.session
            if session is not None:
                message(self._app, f"opsvi chat --session {shlex.quote(session.label)} goes on with this talk")

    def _converse(self) -> None:
        for text in self._typed():
            if text.strip() in _GOODBYES:
                return
            try:
                if not self.handle(text):
                    return
            except OpsviError as error:
                self._say(error)
                if isinstance(error, ProviderError):
                    message(self._app, "[the question is kept, /retry asks again]")
            except KeyboardInterrupt:
                self._app.err.write("\n")

    def _typed(self) -> Iterator[str]:
        """Messages of the person: with editing where the terminal can, line by line where it cannot."""
        app = self._app
        if not can_redraw(app) or app.stdin is not sys.stdin:
            yield from messages(lambda: _plain_line(app))
            return
        from .chat_completion import SlashCompleter
        from .chat_input import ChatPrompt

        prompt = ChatPrompt(app, SlashCompleter(self._commands.words(), app.cwd))
        while (text := prompt(self._status())) is not None:
            yield text

    def _status(self) -> str:
        parts = [self._talk.model or "no model", self._talk.collection or "no collection"]
        with contextlib.suppress(OpsviError):  # a database that is in use ends no talk
            used, limit = self._talk.history_tokens()
            parts.append(f"history {_short(used)} of {_short(limit)} tokens")
        if count := len(self._talk.tools):
            parts.append(f"{count} tool{'' if count == 1 else 's'}")
        if self._commands.attached:
            parts.append(f"{len(self._commands.attached)} attached")
        return " · ".join(parts)

    def on_pipe(self) -> int:
        """Each line of stdin is one message. Errors are said where they happen; the exit code is that of the first."""
        if self._app.options.machine:
            pick(self._app, dict.fromkeys(FIELDS), FIELDS)
        code: int = ExitCode.OK
        lines = self._lines()
        try:
            for text in messages(lambda: next(lines, None)):
                try:
                    if not self.handle(text):
                        break
                except OpsviError as error:
                    self._say(error)
                    code = code or error.exit_code
        finally:
            if self._app.options.json is not None and not self._app.options.jsonl:
                self._app.out.write(dump(self._records, indent=2) + "\n")
                self._app.out.flush()
        return code

    def _lines(self) -> Iterator[str]:
        stdin = self._app.stdin
        if stdin is None or stdin.closed:
            return
        typed = self._app.is_terminal(stdin) and self._app.is_terminal(self._app.err)  # opsvi chat | tee talk.txt
        with contextlib.suppress(OSError):  # `<&-` can leave a descriptor that is not readable
            while line := (_plain_line(self._app) if typed else stdin.readline()):
                yield line.encode("utf-8", "replace").decode("utf-8")

    def handle(self, given: str) -> bool:
        """Answer one message or run one slash command; False when the talk is over."""
        text = given.strip()
        if not text:
            return True
        if not text.startswith("/") or text.startswith("//"):
            self._commands.send(text.removeprefix("/") if text[:2] == "//" else text)
            return True
        word, *rest = text.split(maxsplit=1)
        return self._commands.run(word, "".join(rest))

    def show(self, ask: Asking) -> None:
        """Show an answer while `ask` gives it."""
        machine = self._app.options.machine
        writer, held = answer_writer(self._app), list[str]()
        failed = True
        try:
            writer.wait()
            turn = ask(held.append if machine or not self._stream else writer)
            failed = False
        finally:
            if not machine:
                if held:
                    writer("".join(held))
                writer.end_line()
            if failed:
                self._app.out.flush()
        if turn is None:
            message(self._app, "nothing was asked yet")
            return
        if turn.interrupted:
            kept = "what was said is kept, " if turn.answer.answer else ""
            message(self._app, f"[stopped; {kept}/retry asks again]")
            if not self._app.is_terminal(self._app.stdin):
                raise KeyboardInterrupt
            return
        if machine:
            self._record(turn)
        elif turn.places:
            show_sources(self._app, turn.places, quotes=turn.answer.model is not None)

    def _record(self, turn: ChatTurn) -> None:
        record = {
            "session": turn.session,
            "turn": turn.number,
            "question": turn.question,
            "answer": turn.answer.answer,
            "citations": [citation_record(citation) for citation in turn.answer.citations],
            "model": turn.answer.model,
            "usage": asdict(turn.answer.usage),
        }
        kept = pick(self._app, record, FIELDS)
        if self._app.options.jsonl:
            self._app.out.write(dump(kept) + "\n")
            self._app.out.flush()
        else:
            self._records.append(kept)

    def _say(self, error: OpsviError) -> None:
        self._app.out.flush()
        self._app.err.write(self._app.error_text(error))
        self._app.err.flush()


def note_call(app: AppContext, call: ToolCall, result: ToolResult) -> None:
    """Say which tool the model called."""
    given = " ".join(call.arguments.split())
    given = given if len(given) <= _SHOWN_ARGUMENTS else given[: _SHOWN_ARGUMENTS - 1] + "…"
    outcome = " ".join(result.text.split())[:_SHOWN_ARGUMENTS] if result.is_error else f"{len(result.text)} characters"
    message(app, f"[{call.name} {given}: {outcome}]")


def _short(tokens: int) -> str:
    return str(tokens) if tokens < 1000 else f"{tokens / 1000:.1f}k"


def _plain_line(app: AppContext) -> str | None:
    app.err.write(PROMPT)
    app.err.flush()
    return (app.stdin.readline() if app.stdin is not None else "") or None
