"""What each preset says to its server, and what it makes of the answers; the server judges by an OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from servers.openai_spec import DOCUMENT, answer, stream

from opsvi_cli.builtin.openai_presets import COMPATIBLE, PRESETS
from opsvi_cli.errors import CredentialsError, ProviderError, UsageError
from opsvi_cli.sdk import (
    Attachment,
    Finish,
    Message,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)
from opsvi_cli.testing import SpecServer

ASK = [Message("system", "Be short."), Message("user", "Hello")]
OPEN = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
CLOSED = {**OPEN, "additionalProperties": False}
CHAT = "POST /chat/completions"
Make = Callable[..., Any]


def events(part: Any, messages: Any = ASK, **options: Any) -> list[Any]:
    return list(part.stream(ModelRequest("m", messages, **options)))


def sent(make: Make, name: str, messages: Any = ASK, preset: dict[str, Any] | None = None, **options: Any) -> Any:
    """The body that a preset sends."""
    with SpecServer(DOCUMENT, {CHAT: answer()}) as server:
        events(make("provider", name, base_url=server.url, **(preset or {})), messages, stream=False, **options)
    return server.requests[0].body


def test_negative_controls() -> None:
    """The document refuses what these tests are to notice."""
    good = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    bad: tuple[dict[str, Any], ...] = (
        {"temperature": 9},
        {"messages": [{"role": "robot", "content": "hi"}]},
        {"unknown": 1},
        {"response_format": {"type": "json_schema"}},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:x"}}]}]},
    )
    with SpecServer(DOCUMENT, {CHAT: answer()}, key="k") as server:
        headers = {"authorization": "Bearer k"}
        url = f"{server.url}/chat/completions"
        assert httpx2.post(url, json=good, trust_env=False).status_code == 401
        assert httpx2.post(url, json=good, headers=headers, trust_env=False).status_code == 200
        for change in bad:
            assert httpx2.post(url, json={**good, **change}, headers=headers, trust_env=False).status_code == 422


@pytest.mark.parametrize("name", [name for name in PRESETS if name != COMPATIBLE])
def test_every_preset_streams(name: str, part: Make) -> None:
    path = "/openai/v1" if name == "azure" else "/v1"
    document = {**DOCUMENT, "servers": [{"url": f"https://api.example.com{path}"}]}
    script = {CHAT: stream({"content": "Hel"}, {"content": "lo"})}
    with SpecServer(document, script, credentials=("authorization", "api-key")) as server:
        base_url = server.root if name == "azure" else server.url
        came = events(part("provider", name, base_url=base_url), temperature=0.5, max_tokens=5)

    assert came == [TextDelta("Hel"), TextDelta("lo"), Finish("stop", Usage(7, 5, 3, 2))]
    body = server.requests[0].body
    assert ("stream_options" in body) is PRESETS[name].stream_options
    wanted = "max_tokens" if name == "openai" else PRESETS[name].max_tokens  # not OpenAI's own server here
    assert body[wanted] == 5


def test_schemas(part: Make) -> None:
    def form(name: str, schema: dict[str, Any] = OPEN, **preset: Any) -> Any:
        body = sent(part, name, schema=schema, preset=preset)
        return body.get("response_format"), body["messages"][0]["content"]

    plain = {"name": "answer", "schema": OPEN}
    assert form("ollama") == ({"type": "json_schema", "json_schema": plain}, "Be short.")
    assert form("mistral")[0]["json_schema"]["strict"] is False
    assert form("mistral", CLOSED)[0]["json_schema"]["strict"] is True
    assert form("tgi")[0] == {"type": "json", "value": OPEN}
    told = "Be short.\n\nAnswer with one JSON value and nothing else: no explanation, no Markdown. It must satisfy"
    kind, system = form("deepseek")
    assert kind == {"type": "json_object"}
    assert system.startswith(told)
    assert '"required": ["sum"]' in system
    kind, system = form("ollama", json_schema="prompt")
    assert kind is None
    assert system.startswith(told)
    body = sent(part, "groq", [Message("user", "Hello")], schema=OPEN)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_attachments(part: Make) -> None:
    image, pdf = Attachment("a.png", "image/png", b"\x89PNG"), Attachment("a.pdf", "application/pdf", b"%PDF-")

    def parts(name: str, *attachments: Attachment, **preset: Any) -> list[Any]:
        message = Message("user", "Read", attachments=attachments)
        content: list[Any] = sent(part, name, [message], preset)["messages"][0]["content"]
        return content

    assert parts("ollama", image)[1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    assert parts("openrouter", image, pdf)[2] == {"type": "file", "file": file}
    assert parts("vllm", pdf, files=True)[1]["type"] == "file"
    for name, attachment in (("deepseek", image), ("ollama", pdf), ("openrouter", Attachment("a", "audio/wav", b""))):
        with pytest.raises(UsageError, match=f"{name} reads no {attachment.media_type}"):
            sent(part, name, [Message("user", "Read", attachments=(attachment,))])


def test_what_a_server_does_not_take_is_said_before_anything_is_sent(part: Make) -> None:
    tool = ToolSpec("t", "", {"type": "object"})
    with SpecServer(DOCUMENT, {}) as server:
        with pytest.raises(UsageError, match=r"mistral takes a temperature of at most 1.5, not 1.6"):
            events(part("provider", "mistral", base_url=server.url), temperature=1.6)
        with pytest.raises(UsageError, match="tgi calls no tools"):
            events(part("provider", "tgi", base_url=server.url), tools=[tool])
        with pytest.raises(UsageError, match="at most 1, not"):
            events(part("provider", "vllm", base_url=server.url, temperature_max=1), temperature=1.1)
    assert server.requests == []


def test_capabilities(part: Make) -> None:
    def can(name: str, **options: Any) -> frozenset[str]:
        found: frozenset[str] = part("provider", name, **options).capabilities("m")
        return found

    everything = frozenset({"stream", "schema", "usage", "tools", "images", "files", "reasoning"})
    assert can("openai") == everything
    assert can("openai", base_url="http://localhost:1/v1") == everything - {"files"}
    assert can("deepseek") == everything - {"files", "images"}
    assert can("tgi") == everything - {"files", "tools", "reasoning"}
    assert can("deepseek", images=True, tools=False) == everything - {"files", "tools"}


def test_what_costs_nothing(part: Make) -> None:
    assert part("provider", "ollama", key="").free
    assert not part("provider", "ollama").free  # a key: somebody sells it
    assert not part("provider", "ollama", key="", base_url="https://models.example.com/v1").free
    assert not part("provider", "groq", key="").free


def test_quirks_are_settings(part: Make) -> None:
    body = sent(part, "vllm", preset={"max_tokens": "max_completion_tokens", "strict": True}, max_tokens=3, schema=OPEN)
    assert body["max_completion_tokens"] == 3
    assert body["response_format"]["json_schema"]["strict"] is False
    for quirk, value in (("tools", "yes"), ("json_schema", "xml"), ("temperature_max", True), ("max_tokens", 5)):
        with pytest.raises(UsageError, match=f"providers.vllm.{quirk}"):
            part("provider", "vllm", **{quirk: value}).capabilities("m")
    with pytest.raises(UsageError, match="there is no preset 'nope'"):
        part("provider", "vllm", preset="nope").capabilities("m")


@pytest.mark.parametrize("streamed", [True, False])
def test_reasoning_is_kept_apart(streamed: bool, part: Make) -> None:
    def came(name: str, *deltas: dict[str, Any], **preset: Any) -> tuple[str, str]:
        whole: dict[str, Any] = {}
        for delta in deltas:
            for key, text in delta.items():
                whole[key] = whole.get(key, type(text)()) + text
        script = stream(*deltas) if streamed else answer(**{"content": "", **whole})
        with SpecServer(DOCUMENT, {CHAT: script}) as server:
            found = events(part("provider", name, base_url=server.url, **preset), stream=streamed)
        thought = "".join(event.text for event in found if isinstance(event, ReasoningDelta))
        return thought, "".join(event.text for event in found if isinstance(event, TextDelta))

    for name in ("reasoning_content", "reasoning"):
        assert came("ollama", {name: "Hm"}, {name: "m"}, {"content": "Yes"}) == ("Hmm", "Yes")
    assert came("ollama", {"reasoning": "Hm"}, {"content": "Yes"}, reasoning=False) == ("", "Yes")
    tagged = [
        {"content": text} for text in ("\n<th", "ink>Hm", "m</", "b></thi", "nk>\n\n", "Yes <think>", "x</think>")
    ]
    assert came("vllm", *tagged) == ("Hmm</b>", "Yes <think>x</think>")
    assert came("ollama", *tagged) == ("", "".join(delta["content"] for delta in tagged))
    assert came("vllm", {"content": "<think>never closed </th"}) == ("never closed </th", "")
    assert came("vllm", {"content": " <thin"}) == ("", " <thin")
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hmm"}]}, {"type": "text", "text": "Yes"}]
    assert came("mistral", {"content": parts}) == ("Hmm", "Yes")


def test_parallel_tool_calls_in_a_stream(part: Make) -> None:
    def piece(index: int, arguments: str, identity: str | None = None, name: str | None = None) -> dict[str, Any]:
        function = {"arguments": arguments, **({"name": name} if name else {})}
        call = {"index": index, "type": "function", "function": function}
        return {"tool_calls": [{**call, "id": identity} if identity else call]}

    def calls(*deltas: dict[str, Any]) -> tuple[ToolCall, ...]:
        with SpecServer(DOCUMENT, {CHAT: stream(*deltas, finish="tool_calls")}) as server:
            (finish,) = events(part("provider", "groq", base_url=server.url))
        assert finish.reason == "tool_calls"
        found: tuple[ToolCall, ...] = finish.tool_calls
        return found

    both = (ToolCall("a", "add", '{"x":1}'), ToolCall("b", "sub", '{"y":2}'))
    woven = (piece(0, '{"x"', "a", "add"), piece(1, '{"y"', "b", "sub"), piece(0, ":1}"), piece(1, ":2}"))
    assert calls(*woven) == both
    # Servers that number all of them 0, and repeat the id in each piece.
    same = (piece(0, '{"x"', "a", "add"), piece(0, ":1}", "a"), piece(0, '{"y":2}', "b", "sub"))
    assert calls(*same) == both
    assert calls(piece(0, "{}", None, "add")) == (ToolCall("call_0", "add", "{}"),)


def test_calls_and_results_of_tools_are_sent(part: Make) -> None:
    messages = [
        Message("user", "1+1?"),
        Message("assistant", "", tool_calls=(ToolCall("a", "add", "{}"),)),
        Message("tool", "2", tool_call_id="a"),
    ]
    body = sent(part, "groq", messages, tools=[ToolSpec("add", "Adds", {"type": "object"})])
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "add", "arguments": "{}"}
    assert body["messages"][2]["tool_call_id"] == "a"
    assert body["tools"][0]["function"]["parameters"] == {"type": "object"}


def test_a_vendors_key_goes_to_the_vendor_alone(part: Make) -> None:
    env = {"OPENAI_API_KEY": "sk-of-openai-0123456789", "GROQ_API_KEY": "gsk-of-groq-0123456789"}
    with SpecServer(DOCUMENT, {CHAT: answer()}) as server:
        for name in ("openai", "groq"):
            with pytest.raises(CredentialsError, match="a key is needed") as caught:
                events(part("provider", name, key="", env=env, base_url=server.url), stream=False)
            assert f"providers.{name}.api_key" in caught.value.hint
        events(part("provider", "openai", key="sk-of-this-box-01234567", env=env, base_url=server.url), stream=False)
    assert [request.headers.get("authorization") for request in server.requests] == [
        None,
        None,
        "Bearer sk-of-this-box-01234567",
    ]
    with pytest.raises(CredentialsError, match=r"no key for models\.example\.com"):
        events(part("provider", "openai", key="", env=env, base_url="https://models.example.com/v1"))


def test_a_stream_that_breaks_off(part: Make) -> None:
    from servers.openai_spec import chunk

    from opsvi_cli.testing import SpecAnswer

    with SpecServer(DOCUMENT, {CHAT: SpecAnswer.sse([chunk({"content": "Hel"})], close=True)}) as server:
        came = part("provider", "groq", base_url=server.url).stream(ModelRequest("m", ASK))
        assert next(came) == TextDelta("Hel")
        with pytest.raises(ProviderError) as caught:
            next(came)
    assert caught.value.kind == "network"


def test_vectors_in_base64(part: Make) -> None:
    def embed(vector: Any, **options: Any) -> Any:
        script = {"POST /embeddings": {"data": [{"index": 0, "embedding": vector}]}}
        with SpecServer(DOCUMENT, script) as server:
            embedder = part("embedder", "vllm", base_url=server.url, model="m", **options)
            return embedder.embed(["text"]).tolist()

    assert embed("AAAAAAAAgD8=") == [[0.0, 1.0]]
    assert embed([0, 2]) == [[0.0, 1.0]]  # a server that knows no base64
    for wrong in ("AAAA", "no base64!", "AADAfw=="):
        with pytest.raises(ProviderError):
            embed(wrong)
    with pytest.raises(ProviderError, match="no lists of numbers"):
        embed("AAAAAAAAgD8=", base64=False)


def test_an_embedder_keeps_the_vendors_key_from_others_too(part: Make) -> None:
    env = {"OPENAI_API_KEY": "sk-of-openai-0123456789"}
    with SpecServer(DOCUMENT, {}) as server:
        embedder = part("embedder", "openai", key="", env=env, base_url=server.url, model="m")
        with pytest.raises(CredentialsError) as caught:
            embedder.embed(["text"])
    assert "authorization" not in server.requests[0].headers
    assert "parts.openai.api_key" in caught.value.hint
