"""Every kind of part from its own process, as if it were in this one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, DocumentError, ExitCode, PluginError, ProviderError
from opsvi_cli.sdk import (
    AgentFinish,
    AgentMessage,
    AgentSpec,
    Document,
    Finish,
    Hit,
    Message,
    ModelInfo,
    ModelRequest,
    Page,
    Section,
    Source,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)

pytestmark = pytest.mark.usefixtures("zoo")
Act = Callable[..., Any]


@pytest.fixture
def act(app: AppContext) -> Act:
    """Have the tool of the zoo do something in its process: `act("echo", value=1)`."""
    tool = app.part("tool", "zoo")
    return lambda do, **arguments: tool.call({"do": do, **arguments})


def request(model: str, text: str = "hi", **options: Any) -> ModelRequest:
    return ModelRequest(model, [Message("user", text)], options=options)


def hit(text: str) -> Hit:
    return Hit(1, 0.5, text, "s", "d", "c", "t", None, None, 0, len(text))


def test_a_provider(app: AppContext) -> None:
    provider = app.part("provider", "zoo")
    assert provider.capabilities("m") == frozenset({"stream", "usage"})
    assert provider.models() == [ModelInfo("words", "zoo", frozenset({"stream"}), 1000)]
    assert list(provider.stream(request("words", "one two"))) == [
        TextDelta("one "),
        TextDelta("two "),
        Finish("stop", Usage(3, 1)),
    ]


def test_an_error_of_a_provider_is_the_same_here(app: AppContext) -> None:
    with pytest.raises(ProviderError, match=r"^too many requests$") as caught:
        next(iter(app.part("provider", "zoo").stream(request("refused"))))
    error = caught.value
    assert (error.kind, error.retry_after, error.status, error.hint) == ("rate", 7.5, 429, "wait")


def test_an_embedder(app: AppContext) -> None:
    embedder = app.part("embedder", "zoo", {"model": "m"})
    assert (embedder.fingerprint, embedder.dimension, embedder.fusion_weight) == ("zoo:m", 2, 0.3)
    assert getattr(embedder, "remote", True) is False
    vectors = embedder.embed(["abc", ""], "query")
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[3 / 10**0.5, 1 / 10**0.5], [0, 0]])
    assert embedder.embed([]).shape == (0, 2)


def test_an_embedder_without_numpy_gives_lists(isolate: Act, app: AppContext) -> None:
    source = """
        OPSVI_API = "1.0"
        from opsvi_cli.sdk import hookimpl
        class Plain:
            fingerprint, dimension, fusion_weight = "plain", 2, 0.5
            def __init__(self, services): pass
            def embed(self, texts, kind="document"): return [[1.0, 0.0] for _ in texts]
        @hookimpl
        def opsvi_register(registry):
            registry.embedder("plain", "plain_plugin:Plain", help="x")
            registry.store("plain", "plain_plugin:Plain", help="takes vectors")
    """
    isolate("plain", source)
    assert app.part("embedder", "plain").embed(["a", "b"]).tolist() == [[1, 0], [1, 0]]


def test_a_processor(app: AppContext) -> None:
    processor = app.part("processor", "zoo")
    source = Source("/x.zoo", "x.zoo", "inner \x00\ud800".encode("utf-8", "surrogatepass"), metadata={"a": (1,)})
    document, inner = processor.read(source)
    assert document == Document(
        source.data.decode("utf-8", "surrogateescape"),
        title="T",
        metadata={"n": [1, None, {"@": "x"}]},
        pages=(Page(1, 0, len(document.text)),),
        sections=(Section(("A", "B"), 2, 0, len(document.text)),),
        warnings=("w",),
    )
    assert inner == Source("/x.zoo!inner.txt", "inner.txt", b"the inner text")
    with pytest.raises(DocumentError, match=r"x\.zoo is bad") as caught:
        list(processor.read(Source("/x.zoo", "x.zoo", b"bad")))
    assert caught.value.hint == "mend it"


def test_a_large_source_crosses(app: AppContext) -> None:
    data = b"x" * 5_000_000
    (document,) = app.part("processor", "zoo").read(Source("/x.zoo", "x.zoo", data))
    assert len(document.text) == len(data)


def test_a_chunker_a_reranker_and_a_secret_store(app: AppContext) -> None:
    chunker = app.part("chunker", "zoo")
    assert chunker.fingerprint == "zoo-lines"
    assert list(chunker.spans(Document("one\n\ntwo"))) == [(0, 3), (5, 8)]
    assert app.part("reranker", "zoo").rerank("q", [hit("a"), hit("abc")]) == [1.0, 3.0]
    assert app.foundation.secrets.resolve("zoo:known") == "s3cret-of-the-zoo"
    with pytest.raises(CredentialsError, match="zoo has no other") as caught:
        app.part("secret_store", "zoo").get("other")
    assert caught.value.exit_code == ExitCode.CREDENTIALS


def test_an_error_comes_after_the_items_before_it_also_when_many_are_fetched_at_once(app: AppContext) -> None:
    spans = iter(app.part("chunker", "zoo").spans(Document("", title="counted")))
    assert [next(spans) for _ in range(1200)] == [(n, n + 1) for n in range(1200)]
    with pytest.raises(PluginError, match="ValueError: at the end"):
        next(spans)
    assert list(spans) == []


def test_a_tool(app: AppContext, act: Act) -> None:
    tool = app.part("tool", "zoo")
    assert tool.spec == ToolSpec("zoo", "Does what it is told", {"type": "object"})
    assert tool.side_effects is True
    value = {"a": [1, None, {"b": "\x00é"}], "@": "text"}
    assert act("echo", value=value) == value


def test_a_template_is_a_folder_in_the_environment(app: AppContext, zoo: Path) -> None:
    part = app.plugins.registry.find("template", "zoo")
    assert part is not None
    assert (Path(str(part.data["root"])) / "template" / "template.toml").read_text() == "summary = 'x'\n"


CALL = ToolCall("c1", "calculator", '{"x": 1}')


class FakeHost:
    """The host of an agent's run: a model that wants its tool called, and repeats what the tool gave."""

    def __init__(self) -> None:
        self.called: list[ToolCall] = []
        self.requests: list[ModelRequest] = []
        self.threads: list[int] = []
        self.closed = 0

    def call_tool(self, call: ToolCall) -> ToolResult:
        self.called.append(call)
        self.threads.append(threading.get_ident())
        return ToolResult(call.id, "42")

    def ask_model(self, request: ModelRequest) -> Iterator[StreamEvent]:
        self.requests.append(request)
        last = request.messages[-1]
        try:
            if last.role == "tool":
                yield TextDelta("it is ")
                yield TextDelta(last.text)
                yield Finish("stop")
            else:
                yield TextDelta("let me see")
                yield Finish("tool_calls", Usage(1, 2), (CALL,))
        finally:
            self.closed += 1


SPEC = AgentSpec("a", "be brief", "zoo/words", (ToolSpec("calculator", "adds", {}),))


def test_an_agent_calls_tools_and_models_of_the_host(app: AppContext) -> None:
    host = FakeHost()
    events = list(app.part("agent_adapter", "zoo").run(SPEC, "what is it?", host))
    assert events == [
        TextDelta("let me see"),
        Usage(1, 2),
        CALL,
        ToolResult("c1", "42"),
        TextDelta("it is "),
        TextDelta("42"),
        Usage(),
        AgentMessage("a", "it is 42"),
        AgentFinish("answer"),
    ]
    asked = [Message("system", "be brief"), Message("user", "what is it?")]
    assert host.requests[0] == ModelRequest("zoo/words", asked, tools=SPEC.tools)
    assert host.called == [CALL]
    assert host.threads == [threading.get_ident()]
    assert host.closed == 2


def test_an_agent_may_ask_from_a_thread_of_its_own(app: AppContext) -> None:
    spec = AgentSpec("a", "", "m", SPEC.tools, options={"threads": True})
    host = FakeHost()
    assert AgentMessage("a", "it is 42") in list(app.part("agent_adapter", "zoo").run(spec, "t", host))
    assert host.threads != [threading.get_ident()]


def test_a_tool_of_the_same_plugin_is_called_while_its_agent_waits(app: AppContext, act: Act) -> None:
    class Nested(FakeHost):
        def call_tool(self, call: ToolCall) -> ToolResult:
            return ToolResult(call.id, act("echo", value="nested"))

    events = list(app.part("agent_adapter", "zoo").run(SPEC, "t", Nested()))
    assert AgentMessage("a", "it is nested") in events


def test_what_the_host_raises_in_a_run_comes_back(app: AppContext) -> None:
    class Refusing(FakeHost):
        def ask_model(self, request: ModelRequest) -> Iterator[StreamEvent]:
            raise ProviderError("no", kind="refused")

    with pytest.raises(ProviderError, match=r"^no$") as caught:
        list(app.part("agent_adapter", "zoo").run(SPEC, "t", Refusing()))
    assert caught.value.kind == "refused"


def test_closing_a_run_closes_the_model_call_that_it_has_open(app: AppContext) -> None:
    host = FakeHost()
    events = app.part("agent_adapter", "zoo").run(SPEC, "t", host)
    assert next(events) == TextDelta("let me see")
    events.close()
    app.part("tool", "zoo").call({"do": "echo", "value": 1})  # what was let go of there is told with the next message
    assert host.closed == 1


def test_events_arrive_one_by_one(app: AppContext, tmp_path: Path) -> None:
    events = iter(app.part("provider", "zoo", {"notes": str(tmp_path)}).stream(request("steps")))
    assert next(events) == TextDelta("first ")
    assert not (tmp_path / "go").exists()
    (tmp_path / "go").touch()  # only now can there be a second one
    assert list(events) == [TextDelta("second "), Finish("stop")]


def test_closing_an_iterator_closes_the_one_in_the_child(app: AppContext, tmp_path: Path) -> None:
    events = app.part("provider", "zoo", {"notes": str(tmp_path)}).stream(request("steps"))
    next(events)
    events.close()
    assert (tmp_path / "ended").read_text() == "GeneratorExit"
    assert list(events) == []


def test_letting_go_of_an_iterator_closes_it_too(app: AppContext, tmp_path: Path) -> None:
    for _event in app.part("provider", "zoo", {"notes": str(tmp_path)}).stream(request("steps")):
        break
    app.part("tool", "zoo").call({"do": "echo", "value": 1})
    assert (tmp_path / "ended").read_text() == "GeneratorExit"


def test_two_iterators_may_be_read_in_turns(app: AppContext) -> None:
    provider = app.part("provider", "zoo")
    pairs = zip(provider.stream(request("words", "a b")), provider.stream(request("words", "c d")), strict=True)
    texts = [(left.text, right.text) for left, right in pairs if isinstance(left, TextDelta)]
    assert texts == [("a ", "c "), ("b ", "d ")]


def test_threads_are_served_side_by_side_and_keep_their_own(app: AppContext, act: Act) -> None:
    names: dict[int, set[str]] = {}

    def work(number: int) -> None:
        names[number] = {act("about")["thread"] for _ in range(3)}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found) for found in names.values()] == [1, 1, 1, 1]
    assert act("about")["thread"] == "MainThread"
    assert all("MainThread" not in found for found in names.values())


def test_one_process_serves_all_parts_of_a_plugin(app: AppContext, act: Act, zoo: Path) -> None:
    about = act("about")
    assert about["pid"] != os.getpid()
    assert app.part("tool", "zoo").call({"do": "about"})["pid"] == about["pid"]
    assert Path(about["python"]).parent.parent.resolve() == zoo.resolve()


def test_nothing_of_this_installation_is_seen_there(act: Act) -> None:
    about = act("about")
    ours = {place for place in sys.path if "site-packages" in place}
    assert not ours & set(about["path"])
    allowed = ("opsvi_cli.sdk", "opsvi_cli.plugin_host.isolation")
    others = [name for name in about["modules"] if not name.startswith(allowed)]
    assert others == ["opsvi_cli", "opsvi_cli.errors", "opsvi_cli.plugin_host"]


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("boom", r"plugin 'zoo' \(isolated\) failed: ValueError: boom$"),
        ("sys_exit", r"failed: it called sys.exit\(9\)$"),
        ("unsendable", "a value of type object cannot leave its process"),
        ("nothing_like_it", "failed: AttributeError"),
    ],
)
def test_what_is_no_error_of_opsvi_names_the_plugin(act: Act, do: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        act(do)
    assert act("echo", value="still there") == "still there"


def test_only_what_the_protocols_name_can_be_asked(app: AppContext) -> None:
    tool = app.part("tool", "zoo")
    with pytest.raises(PluginError, match="a tool has no _services"):
        tool._peer.get(tool._number, "_services")
    with pytest.raises(PluginError, match="a tool has no __init__"):
        tool._peer.call(tool._number, "__init__")
    with pytest.raises(PluginError, match="KeyError"):
        tool._peer.call(10_000, "call", {})


def test_parts_that_are_gone_here_are_forgotten_there(app: AppContext) -> None:
    tool = app.part("tool", "zoo")
    number = app.part("reranker", "zoo")._number
    assert tool.call({"do": "echo", "value": 1}) == 1
    with pytest.raises(PluginError, match="KeyError"):
        tool._peer.call(number, "rerank", "q", [])


def test_the_deadline_of_the_run_ends_the_wait_and_the_call(app: AppContext, act: Act, tmp_path: Path) -> None:
    from opsvi_cli.errors import DeadlineError

    about = act("about")
    app.started = time.monotonic()
    app.options = type(app.options)(timeout=0.3)
    with pytest.raises(DeadlineError, match=r"gave up after 0\.3 s"):
        act("hang")
    app.options = type(app.options)()
    assert act("about")["pid"] == about["pid"]
