"""The validating mock: what it lets through, what it refuses, and that it never passes over what it cannot judge."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest

from opsvi_cli.testing import SpecAnswer, SpecError, SpecRequest, SpecServer

CHAT: dict[str, Any] = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string"},
        "temperature": {"type": "number", "maximum": 2, "nullable": True},
        "top_p": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "stream": {"type": "boolean"},
        "extra": {"$ref": "#/components/schemas/Extra", "nullable": True},
        "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://api.example.com/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/chat": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Chat"}}},
                },
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
                            "text/event-stream": {"schema": {"$ref": "#/components/schemas/Answer"}},
                        },
                    }
                },
            }
        },
        "/models/{model}": {
            "parameters": [{"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "security": [],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}},
                    {"name": "version", "in": "query", "required": True, "schema": {"type": "string", "enum": ["1"]}},
                ],
                "responses": {"200": {"description": "ok"}},
            },
        },
        "/files": {
            "post": {
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["purpose", "file"],
                                "properties": {
                                    "purpose": {"type": "string", "enum": ["batch"]},
                                    "file": {"type": "string", "format": "binary"},
                                },
                            }
                        }
                    }
                },
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "Chat": CHAT,
            "Extra": {"type": "object", "properties": {"a": {"type": "string"}}},
            "Answer": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
            "Message": {
                "oneOf": [{"$ref": "#/components/schemas/User"}, {"$ref": "#/components/schemas/System"}],
                "discriminator": {
                    "propertyName": "role",
                    "mapping": {"user": "#/components/schemas/User", "system": "System"},
                },
            },
            # Without the discriminator's mapping both would match, and oneOf refuse everything.
            "User": {"type": "object", "required": ["role", "content"], "properties": {"content": {"type": "string"}}},
            "System": {"type": "object", "required": ["role"], "properties": {"content": {"type": "string"}}},
        },
    },
}
GOOD: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def document(**schemas: Any) -> dict[str, Any]:
    """DOCUMENT with other component schemas."""
    copied: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    copied["components"]["schemas"].update(schemas)
    return copied


@pytest.fixture
def server() -> Iterator[SpecServer]:
    answers: Mapping[str, Any] = {
        "POST /chat": {"text": "hello"},
        "GET /models/{model}": {"id": "m"},
        "POST /files": {"id": "f"},
    }
    with SpecServer(DOCUMENT, answers, key="right") as running:
        yield running


def post(server: SpecServer, body: Any, *, key: str = "right", path: str = "/chat") -> httpx2.Response:
    return httpx2.post(server.url + path, json=body, headers={"authorization": f"Bearer {key}"}, trust_env=False)


def test_what_the_document_allows_is_answered_by_the_script(server: SpecServer) -> None:
    answer = post(server, {**GOOD, "temperature": None, "extra": None, "top_p": 0.5})

    assert (answer.status_code, answer.json()) == (200, {"text": "hello"})
    assert server.requests[0].operation == "POST /chat"
    assert server.requests[0].body["model"] == "m"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"temperature": 9}, "body.temperature: 9 is greater than the maximum of 2"),
        ({"model": 5}, "body.model: 5 is not of type 'string'"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "body.messages[0].role: 'robot' is not one of"),
        ({"messages": [{"role": "user"}]}, "body.messages[0]: 'content' is a required property"),
        ({"messages": [{"role": "system", "content": 5}]}, "body.messages[0].content: 5 is not of type 'string'"),
        ({"top_p": 0}, "body.top_p: 0 is less than or equal to the minimum of 0"),
        ({"extra": {"a": 1}}, "body.extra"),
        ({"extra": 5}, "body.extra"),
        ({"temprature": 1}, "'temprature' was unexpected"),
    ],
)
def test_negative_controls(server: SpecServer, change: dict[str, Any], reason: str) -> None:
    answer = post(server, {**GOOD, **change})

    assert answer.status_code == 422
    assert reason in answer.json()["error"]["message"]
    assert any(reason in said for said in server.requests[0].reasons)


def test_a_missing_field_a_missing_body_and_no_json(server: SpecServer) -> None:
    headers = {"authorization": "Bearer right", "content-type": "application/json"}

    assert "'model' is a required property" in post(server, {"messages": []}).text
    assert "the body is missing" in httpx2.post(server.url + "/chat", headers=headers, trust_env=False).text
    assert (
        "is no application/json"
        in httpx2.post(server.url + "/chat", content=b"{", headers=headers, trust_env=False).text
    )
    headers["content-type"] = "text/plain"
    assert "content type" in httpx2.post(server.url + "/chat", content=b"{", headers=headers, trust_env=False).text


def test_credentials(server: SpecServer) -> None:
    assert httpx2.post(server.url + "/chat", json=GOOD, trust_env=False).status_code == 401
    assert post(server, GOOD, key="wrong").status_code == 401
    assert httpx2.get(server.url + "/models/a?version=1", trust_env=False).status_code == 200  # asks nobody


def test_header_names_for_a_document_without_security() -> None:
    bare = {name: value for name, value in DOCUMENT.items() if name != "security"}
    with SpecServer(bare, {"POST /chat": {}}, credentials=["x-goog-api-key"], key="k") as server:
        assert httpx2.post(server.url + "/chat", json=GOOD, trust_env=False).status_code == 401
        headers = {"X-Goog-Api-Key": "k"}
        assert httpx2.post(server.url + "/chat", json=GOOD, headers=headers, trust_env=False).status_code == 200


def test_parameters_of_path_and_query(server: SpecServer) -> None:
    def get(rest: str) -> httpx2.Response:
        return httpx2.get(f"{server.url}/models/{rest}", trust_env=False)

    assert get("a%2Fb?version=1&limit=10").status_code == 200
    assert server.requests[-1].path_params == {"model": "a/b"}
    assert "query parameter version is missing" in get("a").text
    assert "'2' is not one of ['1']" in get("a?version=2").text
    assert "11 is greater than the maximum" in get("a?version=1&limit=11").text
    assert "'x' is not of type 'integer'" in get("a?version=1&limit=x").text


def test_paths_and_methods_that_are_not_there(server: SpecServer) -> None:
    assert httpx2.get(server.url + "/chat", trust_env=False).status_code == 405
    assert httpx2.get(server.url + "/nowhere", trust_env=False).status_code == 404
    assert httpx2.get(server.root + "/chat", trust_env=False).status_code == 404  # without /v1


def test_forms(server: SpecServer) -> None:
    def send(purpose: str) -> httpx2.Response:
        files = {"file": ("a.jsonl", b'{"a": 1}\n')}
        headers = {"authorization": "Bearer right"}
        return httpx2.post(
            server.url + "/files", data={"purpose": purpose}, files=files, headers=headers, trust_env=False
        )

    assert send("batch").status_code == 200
    assert server.requests[0].body == {"purpose": "batch", "file": '{"a": 1}\n'}
    assert "'other' is not one of ['batch']" in send("other").text


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"type": "strang"}, "'strang' is not valid"),
        ({"required": True}, "cannot be used"),
        ({"$ref": "#/components/schemas/Nowhere"}, "leads nowhere"),
        ({"$ref": "https://example.com/other.json"}, "only references inside"),
        ({"type": "string", "pattern": "("}, "pattern"),
        ({"properties": {"a": {"type": "object", "nullable": "yes"}}}, "nullable"),
        ({"exclusiveMinimum": True}, "exclusiveMinimum"),
        ({"items": {"anyOf": [{"type": 5}]}}, "cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error_at_the_start(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        SpecServer(document(Extra=broken), {})

    inline = document()
    inline["paths"]["/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"] = broken
    with pytest.raises(SpecError):
        SpecServer(inline, {})


def test_a_nullable_without_a_type_still_validates() -> None:
    """The trap of OpenAI's own document: some validators give up on it, and let everything pass."""
    chat = {
        "nullable": True,
        "allOf": [CHAT],
        "properties": {"stop": {"nullable": True, "oneOf": [{"type": "string"}]}},
    }
    with SpecServer(document(Chat=chat), {"POST /chat": {}}) as server:
        assert post(server, {**GOOD, "stop": None}).status_code == 200
        assert post(server, {**GOOD, "stop": 5}).status_code == 422
        assert post(server, {**GOOD, "temperature": 9}).status_code == 422


def test_a_parent_whose_discriminator_names_its_children() -> None:
    """Azure's way: the list holds parents, and the value of `role` says which child each one is."""
    parent = {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string"}},
        "discriminator": {"propertyName": "role", "mapping": {"user": "#/components/schemas/User"}},
    }
    child = {
        "allOf": [
            {"$ref": "#/components/schemas/Message"},
            {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}},
        ]
    }
    with SpecServer(document(Message=parent, User=child), {"POST /chat": {}}) as server:
        assert post(server, GOOD).status_code == 200
        assert post(server, {**GOOD, "messages": [{"role": "user"}]}).status_code == 422
        assert post(server, {**GOOD, "messages": [{"role": "robot", "content": "x"}]}).status_code == 422


def test_answers_one_after_the_other_and_from_a_function() -> None:
    def third(request: SpecRequest) -> SpecAnswer:
        return SpecAnswer({"text": request.body["model"]}, 201, {"x-id": "7"})

    with SpecServer(DOCUMENT, {"POST /chat": [{"text": "one"}, SpecAnswer("plain", 503), third]}) as server:
        answers = [post(server, GOOD) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 503, 201]
    assert answers[1].headers["content-type"] == "text/plain"
    assert (answers[2].json(), answers[2].headers["x-id"]) == ({"text": "m"}, "7")


def test_streams() -> None:
    events = SpecAnswer.sse([{"text": "a"}, ("end", {"text": "é"}), ": a comment"])
    lines = SpecAnswer.ndjson([{"text": "a"}, {"text": "b"}])
    with SpecServer(DOCUMENT, {"POST /chat": [events, lines]}) as server:
        first, second = post(server, GOOD), post(server, GOOD)

    assert first.headers["content-type"] == "text/event-stream"
    assert first.text == (
        'data: {"text": "a"}\n\nevent: end\ndata: {"text": "é"}\n\ndata: : a comment\n\ndata: [DONE]\n\n'
    )
    assert second.text == '{"text": "a"}\n{"text": "b"}\n'


def test_a_stream_that_breaks_off() -> None:
    with (
        SpecServer(DOCUMENT, {"POST /chat": SpecAnswer.sse([{"text": "a"}], close=True)}) as server,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        post(server, GOOD)


def test_a_client_that_goes_away_is_seen() -> None:
    def endless() -> Iterator[dict[str, str]]:
        while True:
            yield {"text": "x" * 1000}

    with SpecServer(DOCUMENT, {"POST /chat": SpecAnswer.sse(endless())}) as server:
        host, port = server.root.removeprefix("http://").split(":")
        body = json.dumps(GOOD).encode()
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
            assert connection.recv(100)
        assert server.requests[0].client_gone.wait(20)


def test_mistakes_of_the_script_fail_the_test() -> None:
    with pytest.raises(SpecError, match="POST /nowhere"):
        SpecServer(DOCUMENT, {"POST /nowhere": {}})
    with pytest.raises(SpecError, match="no answer is scripted"), SpecServer(DOCUMENT, {"POST /chat": [{}]}) as server:
        assert [post(server, GOOD).status_code for _ in range(2)] == [200, 500]
    with pytest.raises(SpecError, match="'text' is a required property"):  # noqa: SIM117
        with SpecServer(DOCUMENT, {"POST /chat": {}}, check_answers=True) as server:
            assert post(server, GOOD).status_code == 500
    with pytest.raises(SpecError, match=r"an event: .*'text' is a required property"):  # noqa: SIM117
        with SpecServer(DOCUMENT, {"POST /chat": SpecAnswer.sse([{}])}, check_answers=True) as server:
            post(server, GOOD)


def test_no_openapi_document_is_an_error() -> None:
    for nothing in ({}, {"swagger": "2.0", "paths": {"/a": {}}}, {"openapi": "3.0.0", "paths": {}}):
        with pytest.raises(SpecError, match="no OpenAPI 3 document"):
            SpecServer(nothing, {})
