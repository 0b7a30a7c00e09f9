"""Where a talk that goes on stands: its last question and answer, for the person at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsvi_cli.context import AppContext

from .answers import answer_writer
from .output import message, write

if TYPE_CHECKING:
    from opsvi_cli.rag.chat import Conversation

_QUESTION_LINES = 5
_QUESTION_CHARACTERS = 400


def show_last_turn(app: AppContext, talk: Conversation) -> None:
    """The last turn as it was shown, a long question shortened; nothing in a pipe, or when nothing was said."""
    turns = talk.turns()
    if not turns or not app.is_terminal(app.out) or app.options.machine:
        return
    question, answer = turns[-1].question.text, turns[-1].answer
    shown = "\n".join(question.split("\n")[:_QUESTION_LINES])[:_QUESTION_CHARACTERS]
    write(app, f"> {shown}{'' if shown == question else ' …'}\n")
    if answer is not None and answer.text:
        writer = answer_writer(app)
        writer(answer.text)
        writer.end_line()
    if answer is None or answer.status == "partial":
        message(app, "[not answered to the end; /retry asks again]")
