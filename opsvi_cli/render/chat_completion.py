"""What TAB offers in the chat: slash commands, models, sessions, tools, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from opsvi_cli.foundation.terminal import plain

from .chat_table import COMMANDS

Words = Callable[[], Iterable[str]]


class SlashCompleter(Completer):
    """`words` gives, for a command's name, what may stand after it."""

    def __init__(self, words: Mapping[str, Words], cwd: str) -> None:
        self._words = words
        self._paths = PathCompleter(expanduser=True, get_paths=lambda: [cwd])

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """For the text before the cursor; nothing unless it begins with a slash."""
        text = document.text_before_cursor
        if not text.startswith("/") or "\n" in text:
            return
        name, space, rest = text.partition(" ")
        if not space:
            for command, (_, help_text) in COMMANDS.items():
                if command.startswith(name):
                    yield Completion(command, -len(name), display_meta=help_text)
        elif name == "/attach" or (name == "/export" and rest.startswith(("md ", "json "))):
            path = rest if name == "/attach" else rest.partition(" ")[2]
            yield from self._paths.get_completions(Document(path), complete_event)
        elif name in self._words:
            yield from _matching(sorted(set(self._words[name]())), rest)


def _matching(words: Sequence[str], rest: str) -> Iterable[Completion]:
    for word in words:
        if word.startswith(rest) and word == plain(word):
            yield Completion(word, -len(rest))
