"""A conversation whose session changes under it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError
from opsvi_cli.llm.sessions import Sessions
from opsvi_cli.rag.answers import QueryOptions
from opsvi_cli.rag.chat import ChatOptions, Conversation


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def talk(home: Path, notes: list[str]) -> Iterator[Conversation]:
    app = AppContext(env=dict(os.environ), out=io.StringIO(), err=io.StringIO(), stdin=None)
    options = ChatOptions(QueryOptions(model="echo"), session="both", retrieval=False)
    conversation = Conversation(app, options, notes.append, lambda _call, _result: None)
    yield conversation
    conversation.close()
    app.close()


def silent(_text: str) -> None:
    """Shows nothing."""


def test_a_session_removed_elsewhere_gives_way_to_a_new_one(talk: Conversation, notes: list[str]) -> None:
    talk.ask("one", silent)
    with Sessions(AppContext(env=dict(os.environ))) as other:
        other.delete("both")
    assert talk.history_tokens()[0] == 0
    turn = talk.ask("two", silent)
    assert (turn.number, turn.answer.answer) == (1, "two")
    assert notes == ["session both was removed; a new one begins"]
    assert talk.session is not None
    assert talk.session.name is None


def test_a_turn_of_another_chat_in_between_is_no_part_of_this_one(talk: Conversation) -> None:
    talk.ask("one", silent)
    with Sessions(AppContext(env=dict(os.environ))) as other:
        late: list[int] = []

        def meanwhile(_text: str) -> None:
            if not late:
                late.append(other.begin_turn(other.find("both"), "from elsewhere"))

        turn = talk.ask("two", meanwhile)
        other.save_answer(late[0], "there", status="complete")
    said = [(t.question.text, t.answer.text if t.answer else None) for t in talk.turns()]
    assert said == [("one", "one"), ("two", "two"), ("from elsewhere", "there")]
    assert turn.number == 2


def test_a_session_that_cannot_be_gone_on_with_leaves_the_talk_as_it_was(talk: Conversation) -> None:
    talk.ask("one", silent)
    server = "http://127.0.0.1:9/v1"
    with Sessions(AppContext(env=dict(os.environ))) as other:
        other.remember(other.find("both"), model="openai/m", base_url=server, collection=None)
        other.remember(other.create(name="broken"), model="nowhere/m", collection=None)
        talk.resume("both")
        with pytest.raises(UsageError):
            talk.resume("broken")
        talk.set_model("other")
        assert (other.find("both").model, other.find("both").base_url) == ("openai/other", server)
