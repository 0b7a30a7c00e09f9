"""What the slash commands of the chat do."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import Attachment

from .answers import show_sources
from .chat_export import Form, as_text
from .chat_recall import show_last_turn
from .chat_table import COMMANDS, help_text
from .live_lines import terminal_size
from .output import save, show_rows

if TYPE_CHECKING:
    from opsvi_cli.rag.chat import ChatTurn, Conversation

    from .chat import Asking

_LATEST = 20
_LONGEST_COPY = 100_000
"""Bytes: terminals drop longer ones."""


class SlashCommands:
    """`attached` goes with the next message."""

    def __init__(self, app: AppContext, talk: Conversation, show: Callable[[Asking], None]) -> None:
        self._app = app
        self._talk = talk
        self._show = show
        self.attached: list[Attachment] = []
        self._table: Mapping[str, Callable[[str], None]] = {
            "/help": lambda _: self._tell(help_text(terminal_size(self._app.out)[0] - 1)),
            "/attach": self._attach,
            "/sources": lambda _: self._sources(),
            "/model": self._model,
            "/tools": self._tools,
            "/system": self._system,
            "/retry": lambda _: self._show(self._talk.retry),
            "/undo": lambda _: self._undo(),
            "/edit": self._edit,
            "/copy": lambda _: self._copy(),
            "/session": lambda _: self._session(),
            "/sessions": lambda _: self._sessions(),
            "/save": self._save,
            "/rename": self._save,
            "/resume": self._resume,
            "/search": self._search,
            "/export": self._export,
            "/usage": lambda _: self._usage(),
            "/tokens": lambda _: self._usage(),
            "/new": lambda _: self._new(),
        }

    def run(self, word: str, rest: str) -> bool:
        """Run one command; False for /exit. Raises UsageError for one that is not there."""
        if word in ("/exit", "/quit"):
            return False
        command = self._table.get(word)
        if command is None:
            from difflib import get_close_matches

            near = get_close_matches(word.lower(), COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else "/help lists them; // begins a message with a slash"
            raise UsageError(f"there is no chat command {word}", hint=hint)
        command(rest)
        return True

    def send(self, text: str) -> None:
        """Ask, with what was attached; that stays attached when the message could not even be saved."""
        files = tuple(self.attached)

        def ask(on_text: Callable[[str], None]) -> ChatTurn | None:
            return self._talk.ask(text, on_text, files, on_saved=self.attached.clear)

        self._show(ask)

    def words(self) -> dict[str, Callable[[], Iterable[str]]]:
        """What completion offers after a command."""

        def sessions() -> list[str]:
            return [session.label for session in self._talk.sessions.all()]

        def models() -> list[str]:
            from opsvi_cli.completion import model_names

            used = [session.model for session in self._talk.sessions.all() if session.model]
            return [*model_names(self._app.env), *used]

        def tools() -> list[str]:
            names = self._known_tools()
            return ["on", "off", *(f"on {name}" for name in names), *(f"off {name}" for name in self._talk.tools)]

        return {
            "/model": models,
            "/resume": sessions,
            "/tools": tools,
            "/export": lambda: ["md", "json"],
            "/attach": lambda: ["none"],
            "/system": lambda: ["none"],
        }

    def _tell(self, text: str) -> None:
        """Say what was asked for: also under -q."""
        self._app.err.write(self._app.redactor.redact(plain(text.rstrip("\n"))) + "\n")
        self._app.err.flush()

    def _rows(self, rows: list[dict[str, Any]], columns: tuple[str, ...], empty: str) -> None:
        """A table on stdout, or lines on stderr where stdout is for programs."""
        if self._app.options.machine or not rows:
            lines = ["\t".join(str(row[name] or "") for name in columns) for row in rows]
            self._tell("\n".join(lines) or empty)
        else:
            show_rows(self._app, rows, columns)

    def _attach(self, rest: str) -> None:
        if rest == "none":
            self.attached.clear()
        elif rest:
            if self._talk.model is None:
                raise UsageError("only a model can read an attachment", hint="/model provider/model")
            from opsvi_cli.rag.chat_attachments import load_attachment

            whole = Path(self._app.cwd, Path(rest).expanduser()).exists()
            for given in [rest] if whole else _words(rest):
                path = given if "://" in given else str(Path(given).expanduser())
                self.attached.append(load_attachment(self._app, path))
        listed = [f"{file.name} ({file.media_type}, {len(file.data)} bytes)" for file in self.attached]
        self._tell(f"with the next message: {', '.join(listed)}" if listed else "nothing is attached")

    def _sources(self) -> None:
        places = self._talk.last_places()
        if not places:
            self._tell("the last answer has no sources")
        elif self._app.options.machine:
            self._tell("the sources are in `citations` of each answer")
        else:
            show_sources(self._app, places)

    def _model(self, rest: str) -> None:
        if rest:
            self._talk.set_model(rest)
        self._tell(f"model: {self._talk.model or 'none; answers are the sources’ own sentences'}")

    def _known_tools(self) -> list[str]:
        from opsvi_cli.rag.tools import EXTRA

        parts = [part.name for part in self._app.plugins.registry.parts("tool")]
        return sorted({*parts, *EXTRA, *(f"mcp.{name}.*" for name in self._app.settings.mcp)})

    def _tools(self, rest: str) -> None:
        word, *names = rest.split() or [""]
        on = self._talk.tools
        if word == "on" and names:
            self._talk.use_tools([*on, *names])
        elif word == "off" and (unknown := [name for name in names if name not in on]):
            raise UsageError(
                f"not on: {', '.join(unknown)}", hint=f"/tools off takes one of: {', '.join(on) or 'none'}"
            )
        elif word == "off":
            self._talk.use_tools([name for name in on if names and name not in names])
        elif word:
            raise UsageError(f"/tools {word}: on or off", hint="/tools on calculator, /tools off")
        used = self._talk.tools
        self._tell(f"on: {', '.join(used) or 'none'}\nthere are: {', '.join(self._known_tools())}")

    def _system(self, rest: str) -> None:
        if rest:
            self._talk.set_system("" if rest == "none" else rest)
        self._tell(f"instructions: {self._talk.system or 'none'}")

    def _undo(self) -> None:
        turn = self._talk.undo()
        self._tell(f"taken back: {turn.question.text}" if turn is not None else "nothing was asked yet")

    def _edit(self, rest: str) -> None:
        if not (self._app.is_terminal(self._app.stdin) and self._app.is_terminal(self._app.out)):
            raise UsageError("/edit needs a terminal", hint='a block between """ holds several lines')
        from opsvi_cli.foundation.editor import edited

        text = edited(self._app, rest + "\n" if rest else "").strip()
        if text:
            self._tell(text)
            self.send(text)

    def _copy(self) -> None:
        turns = self._talk.turns()
        answer = turns[-1].answer if turns else None
        if answer is None or not answer.text:
            raise UsageError("there is no answer to copy")
        if not self._app.is_terminal(self._app.out):
            raise UsageError("/copy needs a terminal", hint="opsvi chat export SESSION")
        data = answer.text.encode("utf-8", "replace")
        if len(data) > _LONGEST_COPY:
            raise UsageError("the answer is too long for the clipboard", hint="/export md FILE")
        self._app.out.write(f"\x1b]52;c;{base64.b64encode(data).decode()}\x07")
        self._app.out.flush()
        self._tell(f"copied: {len(answer.text)} characters")

    def _session(self) -> None:
        session = self._talk.session
        self._tell(f"session: {session.label if session else 'new, nothing said yet'}")

    def _sessions(self) -> None:
        from opsvi_cli.llm.session_export import list_record

        rows = [list_record(session) for session in self._talk.sessions.all()[:_LATEST]]
        self._rows(rows, ("session", "name", "title", "messages", "updated"), "there is no session yet")

    def _save(self, rest: str) -> None:
        if not rest:
            raise UsageError("which name?", hint="/save NAME")
        self._tell(f"session: {self._talk.save_as(rest).label}")

    def _resume(self, rest: str) -> None:
        if not rest:
            raise UsageError("which session?", hint="/sessions lists them: /resume NAME")
        session = self._talk.resume(rest)
        self._tell(f"session: {session.label}, {session.messages} messages; model: {self._talk.model or 'none'}")
        show_last_turn(self._app, self._talk)

    def _search(self, rest: str) -> None:
        from opsvi_cli.llm.session_search import search_sessions

        rows = [asdict(found) for found in search_sessions(self._app, rest, limit=_LATEST)]
        self._rows(rows, ("session", "name", "turn", "role", "text"), "no message holds these words")

    def _export(self, rest: str) -> None:
        form, _, file = rest.partition(" ")
        if form not in ("md", "json"):
            raise UsageError("/export md or /export json, then a file or nothing", hint="/export md notes.md")
        session = self._talk.session
        if session is None:
            raise UsageError("nothing was said yet")
        from opsvi_cli.llm.session_export import session_record

        record = session_record(self._talk.sessions, self._talk.sessions.find(session.id))
        text = as_text(record, cast("Form", form))
        file = file.strip() or "-"
        if file == "-" and self._app.options.machine:
            raise UsageError("standard output is for the answers", hint="/export json FILE")
        file = str(Path(file).expanduser())
        if Path(self._app.cwd, file).is_file():
            raise UsageError(f"{file} is there already", hint="name another file")
        save(self._app, file, text)
        self._app.out.flush()

    def _usage(self) -> None:
        used, limit = self._talk.history_tokens()
        answers = [turn.answer.usage for turn in self._talk.turns() if turn.answer is not None]
        read = sum(usage.input_tokens or 0 for usage in answers)
        written = sum(usage.output_tokens or 0 for usage in answers)
        self._tell(
            f"tokens of this session: {read} read, {written} written, as the servers counted them\n"
            f"sent again with the next message: about {used} of at most {limit} tokens"
        )

    def _new(self) -> None:
        self._talk.start_new()
        self._tell("a new session begins with the next message")


def _words(text: str) -> list[str]:
    """Several paths, quoted as in a shell."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise OpsviError(f"/attach: {error}", hint="quote a path that has spaces in it") from error
