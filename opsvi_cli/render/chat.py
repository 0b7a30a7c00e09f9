"""The chat as people and scripts see it: a prompt with line editing on a terminal, a line a message in a pipe."""

from __future__ import annotations

import builtins
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.paths import private_dir

from .answers import TextWriter, citation_record, show_sources
from .output import dump, message, pick

if TYPE_CHECKING:
    from opsvi_cli.rag.chat import ChatTurn, Conversation

FIELDS = ("session", "turn", "question", "answer", "citations", "model")
PROMPT = "> "
COMMANDS = {
    "/help": "this list",
    "/sources": "the sources of the last answer",
    "/model": "which model answers; /model NAME changes it",
    "/retry": "answer the last question once more",
    "/session": "which session this is",
    "/new": "begin another session",
    "/exit": "leave; Ctrl-D does the same",
}


class Chat:
    """Reads messages, runs slash commands, shows answers."""

    def __init__(self, app: AppContext, conversation: Conversation, *, stream: bool) -> None:
        self._app = app
        self._talk = conversation
        self._stream = stream
        self._records: list[dict[str, Any]] = []
        self._first_error: OpsviError | None = None

    def on_terminal(self) -> None:
        """Until /exit or Ctrl-D. Ctrl-C stops an answer; at the prompt it leaves (KeyboardInterrupt)."""
        where = self._talk.collection or "no collection"
        message(self._app, f"{self._talk.model or 'no model'} · {where} · /help for commands, Ctrl-D to leave")
        with _line_editing(self._app) as read_line:
            while (line := read_line()) is not None:
                try:
                    if not self.handle(line):
                        return
                except OpsviError as error:
                    self._say(error)
                except KeyboardInterrupt:
                    self._app.err.write("\n")

    def on_pipe(self) -> None:
        """Each line of stdin is one message. Raises the first error, after the last line."""
        if self._app.options.machine:
            pick(self._app, dict.fromkeys(FIELDS), FIELDS)
        try:
            for line in self._lines():
                try:
                    if not self.handle(line):
                        break
                except OpsviError as error:
                    if self._first_error is not None:
                        self._say(self._first_error)
                    self._first_error = error
        finally:
            if self._app.options.json is not None and not self._app.options.jsonl:
                self._app.out.write(dump(self._records, indent=2) + "\n")
                self._app.out.flush()
        if self._first_error is not None:
            raise self._first_error

    def _lines(self) -> Iterator[str]:
        stdin = self._app.stdin
        if stdin is None or stdin.closed:
            return
        with contextlib.suppress(OSError):  # `<&-` can leave a descriptor that is not readable
            while line := stdin.readline():
                yield line.encode("utf-8", "replace").decode("utf-8")

    def handle(self, line: str) -> bool:
        """Run one line; False when the talk is over."""
        text = line.strip()
        if not text:
            return True
        if not text.startswith("/") or text.startswith("//"):
            self._show(lambda on_text: self._talk.ask(text.removeprefix("/") if text[:2] == "//" else text, on_text))
            return True
        word, _, rest = text.partition(" ")
        return self._command(word, rest.strip())

    def _command(self, word: str, rest: str) -> bool:
        match word:
            case "/exit" | "/quit":
                return False
            case "/help":
                self._tell("".join(f"{name:10}{text}\n" for name, text in COMMANDS.items()))
            case "/sources":
                self._sources()
            case "/model":
                if rest:
                    self._talk.set_model(rest)
                self._tell(f"model: {self._talk.model or 'none; answers are the sources’ own sentences'}\n")
            case "/retry":
                self._show(self._talk.retry)
            case "/session":
                session = self._talk.session
                self._tell(f"session: {(session.name or session.id) if session else 'new, nothing said yet'}\n")
            case "/new":
                self._talk.start_new()
                self._tell("a new session begins with the next message\n")
            case _:
                from difflib import get_close_matches

                near = get_close_matches(word, COMMANDS, 1)
                hint = f"did you mean {near[0]}?" if near else "/help lists them; // begins a message with a slash"
                raise UsageError(f"there is no chat command {word}", hint=hint)
        return True

    def _tell(self, text: str) -> None:
        message(self._app, text.rstrip("\n"))

    def _sources(self) -> None:
        places = self._talk.last_places()
        if not places:
            self._tell("the last answer has no sources")
        elif self._app.options.machine:
            self._tell("the sources are in `citations` of each answer")
        else:
            show_sources(self._app, places)

    def _show(self, ask: Callable[[Callable[[str], None]], ChatTurn | None]) -> None:
        machine = self._app.options.machine
        writer, held = TextWriter(self._app), list[str]()
        failed = True
        try:
            turn = ask(held.append if machine or not self._stream else writer)
            failed = False
        finally:
            if not machine:
                writer("".join(held))
                writer.end_line()
            if failed:
                self._app.out.flush()
        if turn is None:
            self._tell("nothing was asked yet")
            return
        if turn.interrupted:
            message(self._app, "[stopped; what was said is kept, /retry asks again]")
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
        }
        kept = pick(self._app, record, FIELDS)
        if self._app.options.jsonl:
            self._app.out.write(dump(kept) + "\n")
            self._app.out.flush()
        else:
            self._records.append(kept)

    def _say(self, error: OpsviError) -> None:
        text = f"opsvi: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")
        self._app.err.write(self._app.redactor.redact(text))
        self._app.err.flush()


@contextlib.contextmanager
def _line_editing(app: AppContext) -> Iterator[Callable[[], str | None]]:
    """A reader of lines: with history and editing where readline is there, plain otherwise. None at the end."""
    if app.stdin is not sys.stdin:
        yield lambda: _plain_line(app)
        return
    readline, history_file = _readline(app.paths.state / "chat_history")
    try:
        yield _edited_line
    finally:
        if readline is not None:
            with contextlib.suppress(OSError):
                readline.set_history_length(1000)
                readline.write_history_file(str(history_file))


def _readline(history_file: Path) -> tuple[Any, Path]:
    """The readline module with the history loaded; the file is made for the user's eyes only."""
    try:
        import readline
    except ImportError:
        return None, history_file
    with contextlib.suppress(OSError):
        private_dir(history_file.parent)
        os.close(os.open(history_file, os.O_CREAT | os.O_WRONLY, 0o600))
        readline.read_history_file(str(history_file))
    return readline, history_file


def _edited_line() -> str | None:
    try:
        # Python gives readline's line editing through this function only.
        return builtins.input(PROMPT)
    except EOFError:
        sys.stdout.write("\n")
        return None


def _plain_line(app: AppContext) -> str | None:
    app.err.write(PROMPT)
    app.err.flush()
    return (app.stdin.readline() if app.stdin is not None else "") or None
