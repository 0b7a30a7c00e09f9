"""Hooks as opsvi calls them: chained, checked, and never able to end a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.sdk import Chunk, Document, Event, HealthCheck, Hit, Message, Source

HEAD = "from opsvi_cli.sdk import *\nfrom dataclasses import replace\nOPSVI_API = '1.0'\n"
SOURCE = Source(uri="/a.txt", name="a.txt", data=b"one two")
DOCUMENT = Document(text="one two")
CHUNKS = [Chunk("a", "d", "one", 0, 3, 0), Chunk("b", "d", "two", 4, 7, 1)]


def _hit(rank: int, text: str) -> Hit:
    return Hit(rank, 1.0, text, "/a", "d", f"c{rank}", "", None, None, 0, len(text))


def test_transforms_are_chained_and_none_leaves_things_as_they_are(
    install: Callable[..., None], plugins: Callable[..., Any]
) -> None:
    upper = HEAD + (
        "@hookimpl\ndef opsvi_documents(documents):\n    return [replace(d, text=d.text.upper()) for d in documents]\n"
        "@hookimpl\ndef opsvi_prompt(messages, model):\n    return [*messages, Message('user', model)]\n"
    )
    mark = HEAD + (
        "@hookimpl(trylast=True)\n"
        "def opsvi_documents(documents, source):\n"
        "    return [replace(d, text=d.text + source.name) for d in documents]\n"
        "@hookimpl\ndef opsvi_prompt(messages): return None\n"
    )
    install("mark", mark)
    install("upper", upper)
    host = plugins()
    assert [d.text for d in host.documents([DOCUMENT], SOURCE)] == ["ONE TWOa.txt"]
    assert [m.text for m in host.prompt([Message("user", "q")], "echo/x")] == ["q", "echo/x"]
    assert host.hits("q", [_hit(1, "x")]) == [_hit(1, "x")]


def test_without_plugins_every_hook_has_a_plain_answer(plugins: Callable[..., Any]) -> None:
    host = plugins(OPSVI_NO_PLUGINS="1")
    assert host.documents((DOCUMENT,), SOURCE) == [DOCUMENT]
    assert host.chunks(CHUNKS, DOCUMENT) == CHUNKS
    assert host.select_processor(SOURCE, "text/plain") is None
    assert host.health() == []
    host.event(Event("test", "2026-01-01T00:00:00Z"))


def test_a_raising_hook_is_passed_over_named_once_and_switched_off(
    install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    install(
        "angry", HEAD + "calls = []\n@hookimpl\ndef opsvi_hits(hits):\n    calls.append(1)\n    hits.clear()\n    1/0\n"
    )
    install("calm", HEAD + "@hookimpl\ndef opsvi_hits(hits): return list(reversed(hits))\n")
    host = plugins()
    for _ in range(6):
        assert [hit.text for hit in host.hits("q", [_hit(1, "a"), _hit(2, "b")])] == ["b", "a"]
    import zoo_angry

    assert len(zoo_angry.calls) == 3
    assert warnings == [
        "plugin 'angry' failed in opsvi_hits and was passed over: ZeroDivisionError: division by zero",
        "plugin 'angry' failed 3 times: its hooks are off for the rest of this run",
    ]


@pytest.mark.parametrize("body", ["raise SystemExit(1)", "raise BaseException('odd')", "return 'text'", "return [1]"])
def test_exits_and_wrong_results_are_errors_of_the_plugin(
    body: str, install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    install("odd", HEAD + f"@hookimpl\ndef opsvi_chunks(chunks): {body}\n")
    assert plugins().chunks(CHUNKS, DOCUMENT) == CHUNKS
    assert len(warnings) == 1
    assert "plugin 'odd' failed in opsvi_chunks" in warnings[0]


def test_ctrl_c_inside_a_hook_ends_the_run(install: Callable[..., None], plugins: Callable[..., Any]) -> None:
    install("odd", HEAD + "@hookimpl\ndef opsvi_event(event): raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        plugins().event(Event("test", "2026-01-01T00:00:00Z"))


def test_chunks_whose_text_is_not_the_documents_are_refused(
    install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    install("liar", HEAD + "@hookimpl\ndef opsvi_chunks(chunks): return [replace(c, text='lie') for c in chunks]\n")
    install("picky", HEAD + "@hookimpl\ndef opsvi_chunks(chunks): return chunks[:1]\n")
    assert plugins().chunks(CHUNKS, DOCUMENT) == CHUNKS[:1]
    assert "its text is not the document's" in warnings[0]


def test_the_first_choice_of_a_processor_wins_and_must_exist(
    install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    install("dreamer", HEAD + "@hookimpl(tryfirst=True)\ndef opsvi_select_processor(source): return 'unheard-of'\n")
    install("chooser", HEAD + "@hookimpl\ndef opsvi_select_processor(source, media_type): return 'markdown'\n")
    assert plugins().select_processor(SOURCE, "text/plain") == "markdown"
    assert "'unheard-of', which is no processor" in warnings[0]


def test_health_checks_of_all_plugins_are_collected(install: Callable[..., None], plugins: Callable[..., Any]) -> None:
    install("one", HEAD + "@hookimpl\ndef opsvi_health(): return [HealthCheck('one', 'ok', 'fine')]\n")
    install("two", HEAD + "@hookimpl\ndef opsvi_health(): return None\n")
    assert plugins().health() == [HealthCheck("one", "ok", "fine")]


def test_warnings_go_to_stderr_through_the_log_and_not_under_quiet(
    install: Callable[..., None], opsvi_process: Callable[..., Any]
) -> None:
    import subprocess
    import sys

    install("gone", "import nothing_like_this\n")
    code = (
        "import sys\n"
        "from opsvi_cli.context import AppContext\n"
        "from opsvi_cli.global_options import GlobalOptions\n"
        "AppContext(options=GlobalOptions(quiet=sys.argv[1] == 'q')).plugins.hits('q', [])\n"
    )
    said = {
        flag: subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, timeout=60)
        for flag in "qn"
    }
    assert "'gone' is broken" in said["n"].stderr
    assert len(said["n"].stderr.splitlines()) == 1
    assert said["q"].stderr == ""
    assert said["n"].stdout == said["q"].stdout == ""
