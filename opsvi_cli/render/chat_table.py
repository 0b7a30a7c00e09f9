"""The slash commands of the chat: name, what stands after it, what it does."""

from __future__ import annotations

import textwrap
from functools import partial

COMMANDS: dict[str, tuple[str, str]] = {
    "/help": ("", "this list"),
    "/attach": ("FILE|URL", "send an image or a document's text with the next message; `none` takes them off"),
    "/sources": ("", "the sources of the last answer"),
    "/model": ("NAME", "which model answers; with a name, change it"),
    "/tools": ("on|off NAME", "the tools there are, and which the model may call"),
    "/system": ("TEXT", "the instructions; with text, change them; `none` drops them"),
    "/retry": ("", "answer the last question once more"),
    "/undo": ("", "take the last turn back"),
    "/edit": ("TEXT", "write the message in $EDITOR"),
    "/copy": ("", "put the last answer on the clipboard, when the terminal can"),
    "/session": ("", "which session this is"),
    "/sessions": ("", "the latest sessions"),
    "/save": ("NAME", "give this session a name"),
    "/rename": ("NAME", "the same"),
    "/resume": ("NAME", "go on with another session"),
    "/search": ("TEXT", "find messages in all sessions"),
    "/export": ("md|json FILE", "write this session; without a file, show it"),
    "/usage": ("", "tokens of this session, and of what is sent again"),
    "/tokens": ("", "the same"),
    "/new": ("", "begin another session"),
    "/exit": ("", "leave; Ctrl-D does the same, and `exit` on a terminal"),
}


def help_text(width: int) -> str:
    """The table for people, with the keys of the prompt, in lines of at most `width` columns."""
    rows = [(f"{name} {after}".strip(), text) for name, (after, text) in COMMANDS.items()]
    column = max(len(head) for head, _ in rows) + 2
    keys = (
        "Enter sends. A new line: Alt-Enter, a backslash at the end, or a block between lines of three quotes.",
        "Ctrl-R searches what you typed, Ctrl-C stops an answer or clears the line, // begins a message with a slash.",
    )
    # On a terminal too narrow for two columns the text is cut by the terminal itself.
    fill = partial(textwrap.fill, width=max(width, column + 20))
    table = [fill(f"{head:{column}}{text}", subsequent_indent=" " * column) for head, text in rows]
    return "\n".join([*table, "", *map(fill, keys)])
