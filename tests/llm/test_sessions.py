"""Sessions: what is saved when, who may read it, what survives a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NotFoundError, StoreError, UsageError
from opsvi_cli.llm.session_records import Session, history
from opsvi_cli.llm.sessions import Sessions
from opsvi_cli.sdk import Usage


@pytest.fixture
def app(home: Path) -> AppContext:
    return AppContext(env=dict(os.environ))


def test_looking_writes_nothing(app: AppContext, home: Path) -> None:
    with Sessions(app) as sessions:
        assert sessions.all() == []
        assert sessions.last() is None
        assert sessions.get("x") is None
    assert not home.exists()


def test_a_turn_is_kept_with_sources_and_usage(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create(model="echo/echo", collection="ops")
        answer = sessions.begin_turn(session, "who is on call\nthis week?", model="echo/echo")
        sessions.save_answer(answer, "Mara")
        sessions.save_answer(
            answer, "Mara [1].", status="complete", sources=[{"n": 1, "source": "/a"}], usage=Usage(3, 4)
        )
    with Sessions(app) as sessions:
        (found,) = sessions.all()
        assert (found.title, found.model, found.collection, found.messages) == (
            "who is on call this week?",
            "echo/echo",
            "ops",
            2,
        )
        (turn,) = sessions.turns(found)
        assert turn.question.text == "who is on call\nthis week?"
        assert turn.answer is not None
        assert (turn.answer.text, turn.answer.status, turn.answer.usage) == ("Mara [1].", "complete", Usage(3, 4))
        assert turn.answer.sources == ({"n": 1, "source": "/a"},)


def test_the_file_is_private(app: AppContext) -> None:
    with Sessions(app) as sessions:
        sessions.create()
    file = app.paths.data / "sessions.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_found_by_name_id_and_beginning_of_the_id(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create(name="release notes")
        assert sessions.find("release notes").id == session.id
        assert sessions.find(session.id).name == "release notes"
        assert sessions.find(session.id[:-1]).id == session.id
        with pytest.raises(NotFoundError, match="no session") as error:
            sessions.find("release note")
        assert "release notes" in error.value.hint
        sessions.create()
        with pytest.raises(NotFoundError, match="2 sessions have an id that begins with"):
            sessions.find(session.id[:8])
        with pytest.raises(UsageError):
            sessions.create(name="release notes")
        with pytest.raises(UsageError):
            sessions.create(name="-x")


def test_two_chats_that_begin_one_session_share_it(app: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sessions(app) as sessions, Sessions(app) as other:
        look, begun = Sessions.get, list[str]()

        def late(self: Sessions, wanted: str) -> Session | None:
            found = look(self, wanted)
            if not begun:
                begun.append("")
                begun[0] = other.create(name=wanted).id
            return found

        monkeypatch.setattr(Sessions, "get", late)
        assert sessions.begin("both").id == begun[0]
        with pytest.raises(UsageError):
            sessions.begin("-x")


def test_last_is_the_one_used_last_that_holds_something(app: AppContext) -> None:
    with Sessions(app) as sessions:
        first, second = sessions.create(), sessions.create()
        assert sessions.last() is None
        sessions.begin_turn(second, "b")
        sessions.begin_turn(first, "a")
        sessions.create()
        last = sessions.last()
        assert last is not None
        assert last.id in (first.id, second.id)
        assert last.messages == 2


def test_replaced_answers_are_no_part_of_the_talk(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create()
        sessions.save_answer(sessions.begin_turn(session, "q"), "one", status="complete")
        (before,) = sessions.turns(session)
        sessions.save_answer(sessions.begin_again(session, before, "m"), "two", status="complete")
        (turn,) = sessions.turns(session)
        assert turn.answer is not None
        assert (turn.answer.text, turn.answer.model, turn.question) == ("two", "m", before.question)


def test_turns_of_two_chats_on_one_session_keep_their_answers(app: AppContext) -> None:
    with Sessions(app) as one, Sessions(app) as other:
        session = one.create()
        first = one.begin_turn(session, "first?")
        second = other.begin_turn(session, "second?")
        one.save_answer(first, "first!", status="complete")
        again = one.begin_again(session, one.turns(session)[0], None)
        other.save_answer(second, "second!", status="complete")
        one.save_answer(again, "first again!", status="complete")
        said = [(turn.question.text, turn.answer and turn.answer.text) for turn in one.turns(session)]
    assert said == [("first?", "first again!"), ("second?", "second!")]


def test_history_leaves_unanswered_questions_out_and_marks_cut_answers(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create()
        for question, answer in (("a", "A"), ("b", ""), ("c", "half")):
            place = sessions.begin_turn(session, question)
            sessions.save_answer(place, answer, status="complete" if answer == "A" else "partial")
        pairs = [(pair.question.text, pair.answer.text) for pair in history(sessions.turns(session))]
    assert pairs == [("a", "A"), ("c", "half [this answer was cut off]")]


def test_lone_surrogates_do_not_break_saving(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create()
        sessions.begin_turn(session, "a\ud800b")
        assert sessions.turns(session)[0].question.text == "a?b"


def test_delete_takes_the_messages_along(app: AppContext) -> None:
    with Sessions(app) as sessions:
        session = sessions.create()
        sessions.begin_turn(session, "q")
        sessions.delete(session.id)
        assert sessions.all() == []
        assert sessions.turns(session) == []


def test_a_damaged_file_is_an_error_with_its_path(app: AppContext) -> None:
    app.paths.data.mkdir(parents=True)
    (app.paths.data / "sessions.db").write_bytes(b"this is no database, not at all" * 50)
    with Sessions(app) as sessions, pytest.raises(StoreError, match=r"sessions\.db"):
        sessions.all()


def test_question_and_partial_answer_survive_kill_9(app: AppContext, home: Path) -> None:
    code = """
import os, signal
from opsvi_cli.context import AppContext
from opsvi_cli.llm.sessions import Sessions
sessions = Sessions(AppContext())
session = sessions.create(name="s")
sessions.save_answer(sessions.begin_turn(session, "the question", model="m"), "half an ans")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    with Sessions(app) as sessions:
        (turn,) = sessions.turns(sessions.find("s"))
    assert turn.question.text == "the question"
    assert turn.answer is not None
    assert (turn.answer.text, turn.answer.status) == ("half an ans", "partial")
