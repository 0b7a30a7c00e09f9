"""The prompt of the chat on a terminal: several lines, history, completion, large pastes; by prompt_toolkit."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, has_focus, is_searching
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.foundation.paths import private_dir
from opsvi_cli.foundation.terminal import plain

from .chat_lines import ends_open, in_block, without_quotes

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

PROMPT = "> "
_LARGE_LINES = 8
_LARGE_CHARACTERS = 1000
_LONG_LINES = 40
_LONG_CHARACTERS = 4000
"""A message of an earlier chat that is longer comes back as a mark: Up would have to climb over all of its lines."""
_LONGEST_HISTORY = 1_000_000
_MENU_ROWS = 6


class Pastes:
    """Large pasted texts: the prompt shows a mark in their place, the message holds them whole."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def mark(self, text: str, most_lines: int = _LARGE_LINES, most_characters: int = _LARGE_CHARACTERS) -> str:
        """What to show for a pasted text: itself when it is small."""
        lines = text.rstrip("\n").count("\n") + 1
        if lines <= most_lines and len(text) <= most_characters:
            return text
        size = f"{lines} lines" if lines > most_lines else f"{len(text)} characters"
        mark = f"[pasted {size}]"
        number = 2
        while self._texts.get(mark, text) != text:
            mark = f"[pasted {size}, {number}]"
            number += 1
        self._texts[mark] = text
        return mark

    def whole(self, shown: str) -> str:
        """The text with every mark replaced by what was pasted."""
        if not self._texts:
            return shown
        marks = "|".join(map(re.escape, self._texts))
        return re.sub(marks, lambda match: self._texts[match[0]], shown)


class ChatHistory(FileHistory):
    """Messages typed in any chat, for the user's eyes only; known secrets are taken out of them."""

    def __init__(self, app: AppContext, path: Path, pastes: Pastes) -> None:
        super().__init__(str(path))
        self._app = app
        self._pastes = pastes
        with contextlib.suppress(OSError):
            private_dir(path.parent)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            if path.stat().st_size > _LONGEST_HISTORY:
                kept = path.read_bytes()[-_LONGEST_HISTORY // 2 :]
                write_atomic(path, kept[kept.find(b"\n# ") + 1 :])

    def load_history_strings(self) -> Iterable[str]:
        with contextlib.suppress(OSError):
            for text in super().load_history_strings():
                yield self._pastes.mark(text, _LONG_LINES, _LONG_CHARACTERS)

    def append_string(self, string: str) -> None:
        super().append_string(self._app.redactor.redact(string))

    def store_string(self, string: str) -> None:
        text = self._app.redactor.redact(self._pastes.whole(string))
        with contextlib.suppress(OSError):  # a full disk keeps nobody from talking
            super().store_string(text.encode("utf-8", "replace").decode("utf-8"))


class ChatPrompt:
    """Reads messages: called for the next one, gives None at Ctrl-D and raises KeyboardInterrupt at Ctrl-C on an
    empty line."""

    def __init__(self, app: AppContext, completer: Completer) -> None:
        self._pastes = Pastes()
        self._status = ""
        begins_with_slash = Condition(lambda: get_app().current_buffer.text.startswith("/"))
        self._session: PromptSession[str] = PromptSession(
            message=PROMPT,
            multiline=True,
            prompt_continuation=lambda width, _line, _wrapped: " " * width,
            history=ChatHistory(app, app.paths.state / "chat_history", self._pastes),
            completer=completer,
            complete_while_typing=begins_with_slash,
            reserve_space_for_menu=_MENU_ROWS,
            key_bindings=_keys(self._pastes),
            bottom_toolbar=self._toolbar,
            enable_open_in_editor=True,
            enable_suspend=True,
            tempfile_suffix=".md",
            color_depth=None if app.use_color else ColorDepth.MONOCHROME,
            style=Style.from_dict({"bottom-toolbar": "noreverse fg:ansibrightblack"}),
        )

    def __call__(self, status: str) -> str | None:
        """`status` stands below the prompt while it waits."""
        self._status = plain(status)
        try:
            shown = self._session.prompt()
        except EOFError:
            return None
        return self._pastes.whole(without_quotes(shown))

    def _toolbar(self) -> str:
        text, room = self._status, get_app().output.get_size().columns - 1
        while get_cwidth(text) > room:
            text = text[: room - 1 - (get_cwidth(text) - len(text))].rstrip() + "…" if room > 1 else ""
        return text


def _keys(pastes: Pastes) -> KeyBindings:
    keys = KeyBindings()
    typing = has_focus("DEFAULT_BUFFER") & ~is_searching

    @keys.add("enter", filter=typing)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if ends_open(buffer.text) and buffer.document.is_cursor_at_the_end:
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        elif in_block(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c", filter=typing)
    def _clear_or_leave(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.current_buffer.insert_text(pastes.mark(text))

    return keys
