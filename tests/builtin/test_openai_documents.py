"""The `openai` provider and embedder against the vendors' own API descriptions, which judge every request.

What the descriptions refuse is in `tests/testing/test_spec_documents.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
from servers.openai_spec import answer, chunk, stream

from opsvi_cli.errors import CredentialsError, ProviderError
from opsvi_cli.sdk import Attachment, Finish, Message, ModelRequest, TextDelta, ToolCall, ToolSpec
from opsvi_cli.testing import SpecServer

Make = Callable[..., Any]
SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
IMAGE = Attachment("a.png", "image/png", b"\x89PNG")
PDF = Attachment("a.pdf", "application/pdf", b"%PDF-1.7")
TOOL = ToolSpec("add", "Adds", {"type": "object", "properties": {"x": {"type": "integer"}}})


@dataclass(frozen=True)
class Vendor:
    """`path` is what base_url has behind the machine's address; `openai` is taken to be at OpenAI's."""

    preset: str
    document: str
    chat: str
    path: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    credentials: tuple[str, ...] = ()
    strict: bool = True

    def serve(self, specs: Path, answers: dict[str, Any]) -> SpecServer:
        document = specs / "llm" / f"{self.document}-slice.json"
        return SpecServer(document, answers, credentials=self.credentials, strict=self.strict)

    def part(self, make: Make, server: SpecServer, kind: str = "provider", **options: Any) -> Any:
        return make(kind, self.preset, base_url=server.root + self.path, **{**dict(self.options), **options})


# What only OpenAI's own address gets, asked of the mock.
OWN = (("max_tokens", "max_completion_tokens"), ("files", True), ("base64", True))
OPENAI = Vendor("openai", "openai", "POST /chat/completions", "/v1", OWN)
CLASSIC = Vendor(
    "azure",
    "azure",
    "POST /openai/deployments/{deployment-id}/chat/completions",
    options=(("api_version", "2024-10-21"),),
    strict=False,  # the SDK sends the model in the body as well, which this document does not know
)
V1 = Vendor("azure", "azure-v1", "POST /chat/completions")
MISTRAL = Vendor("mistral", "mistral", "POST /v1/chat/completions", "/v1")
TGI = Vendor("tgi", "hf-tgi", "POST /v1/chat/completions", "/v1")
VENDORS = (OPENAI, CLASSIC, V1, MISTRAL, TGI)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.document)
def test_requests_are_what_the_vendor_describes(vendor: Vendor, shared_specs: Path, part: Make) -> None:
    ask = [Message("system", "Be short."), Message("user", "Hello")]
    history = [
        *ask,
        Message("assistant", "", tool_calls=(ToolCall("call_0000", "add", '{"x": 1}'),)),
        Message("tool", "2", tool_call_id="call_0000"),
    ]
    with vendor.serve(shared_specs, {vendor.chat: lambda request: script(request)}) as server:
        provider = vendor.part(part, server)
        can = provider.capabilities("m")

        def script(request: Any) -> Any:
            return stream({"content": "Hel"}, {"content": "lo"}) if request.body.get("stream") else answer()

        requests = [
            ModelRequest("m", ask, temperature=1.0, max_tokens=100),
            ModelRequest("m", ask, stream=False),
            ModelRequest("m", ask, schema=SCHEMA),
            ModelRequest("m", ask, schema={**SCHEMA, "additionalProperties": False}),
            ModelRequest("m", [Message("user", "Look", attachments=(IMAGE,))]),
        ]
        if "tools" in can:
            requests += [ModelRequest("m", ask, tools=[TOOL]), ModelRequest("m", history, tools=[TOOL])]
        if "files" in can and vendor is not CLASSIC:  # its version of the API is older than files in messages
            requests.append(ModelRequest("m", [Message("user", "Read", attachments=(PDF,))]))
        for request in requests:
            events = list(provider.stream(request))
            assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello"
            assert isinstance(events[-1], Finish)
    assert [request.reasons for request in server.requests] == [[]] * len(requests)


@pytest.mark.parametrize("vendor", VENDORS[:4], ids=lambda vendor: vendor.document)
def test_what_is_wrong_is_refused_and_without_a_key_nothing_goes(
    vendor: Vendor, shared_specs: Path, part: Make
) -> None:
    with vendor.serve(shared_specs, {}) as server:
        hot = ModelRequest("m", [Message("user", "Hello")], temperature=9.0)
        with pytest.raises(ProviderError) as refused:
            list(vendor.part(part, server, temperature_max=10).stream(hot))
        robot = ModelRequest("m", [Message("robot", "Hello")])  # type: ignore[arg-type]  # no such role
        with pytest.raises(ProviderError) as refused_too:
            list(vendor.part(part, server).stream(robot))
        with pytest.raises(CredentialsError, match="a key is needed"):
            list(vendor.part(part, server, key="").stream(ModelRequest("m", [Message("user", "Hello")])))
    assert (refused.value.status, refused_too.value.status) == (422, 422)
    assert "temperature" in refused.value.message


def test_azure_sends_the_key_in_its_own_header(shared_specs: Path, part: Make) -> None:
    for vendor in (CLASSIC, V1):
        with vendor.serve(shared_specs, {vendor.chat: answer()}) as server:
            list(vendor.part(part, server).stream(ModelRequest("my-deployment", [Message("user", "Hi")], stream=False)))
        (request,) = server.requests
        assert request.headers["api-key"].startswith("sk-preset")
        assert "authorization" not in request.headers
        if vendor is CLASSIC:
            assert request.path_params == {"deployment-id": "my-deployment"}
            assert request.query == {"api-version": ["2024-10-21"]}


def test_parallel_tool_calls_of_openai(shared_specs: Path, part: Make) -> None:
    def call(index: int, name: str) -> dict[str, Any]:
        function = {"name": name, "arguments": "{}"}
        return {"index": index, "id": f"call_{name}", "type": "function", "function": function}

    script = stream({"tool_calls": [call(0, "add"), call(1, "sub")]}, finish="tool_calls")
    with OPENAI.serve(shared_specs, {OPENAI.chat: script}) as server:
        (finish,) = OPENAI.part(part, server).stream(ModelRequest("m", [Message("user", "Hi")], tools=[TOOL]))
    assert finish.tool_calls == (ToolCall("call_add", "add", "{}"), ToolCall("call_sub", "sub", "{}"))
    assert chunk({})["choices"]


@pytest.mark.parametrize(
    ("vendor", "operation"),
    [
        (OPENAI, "POST /embeddings"),
        (CLASSIC, "POST /openai/deployments/{deployment-id}/embeddings"),
        (V1, "POST /embeddings"),
        (MISTRAL, "POST /v1/embeddings"),
    ],
    ids=lambda value: getattr(value, "document", ""),
)
def test_embeddings(vendor: Vendor, operation: str, shared_specs: Path, part: Make) -> None:
    def vectors(request: Any) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for index, text in enumerate(request.body["input"]):
            numbers = numpy.array([len(text), 1, 0], dtype="<f4")
            packed = base64.b64encode(numbers.tobytes()).decode()
            value = packed if request.body["encoding_format"] == "base64" else numbers.tolist()
            rows.append({"object": "embedding", "index": index, "embedding": value})
        return {"object": "list", "data": rows[::-1], "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    with vendor.serve(shared_specs, {operation: vectors}) as server:
        options = dict(vendor.options)
        options.pop("files", None)
        embedder = part("embedder", vendor.preset, base_url=server.root + vendor.path, model="m", **options)
        found = embedder.embed(["a", "bb"])
    assert numpy.allclose(found, [[0.70710677, 0.70710677, 0], [0.8944272, 0.4472136, 0]], atol=1e-6)
    wanted = "float" if vendor is MISTRAL else "base64"
    assert {request.body["encoding_format"] for request in server.requests} == {wanted}
    assert not any(request.reasons for request in server.requests)


@pytest.mark.parametrize("vendor", [OPENAI, V1, MISTRAL, TGI], ids=lambda vendor: vendor.document)
def test_models(vendor: Vendor, shared_specs: Path, part: Make) -> None:
    path = "GET /v1/models" if vendor in (MISTRAL, TGI) else "GET /models"
    listed = {"object": "list", "data": [{"id": "b", "object": "model"}, {"id": "a", "object": "model"}]}
    with vendor.serve(shared_specs, {path: listed}) as server:
        assert [model.id for model in vendor.part(part, server).models()] == ["a", "b"]
