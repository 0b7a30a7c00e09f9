"""A small OpenAPI document of what opsvi says to servers with OpenAI's API, and answers that it allows."""

from __future__ import annotations

from typing import Any

from opsvi_cli.testing import SpecAnswer


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
PART = {
    "oneOf": [
        _object(["type", "text"], type={"const": "text"}, text=TEXT),
        _object(
            ["type", "image_url"],
            type={"const": "image_url"},
            image_url=_object(["url"], url={"type": "string", "pattern": "^data:image/"}),
        ),
        _object(
            ["type", "file"],
            type={"const": "file"},
            file=_object(["filename", "file_data"], filename=TEXT, file_data={"type": "string", "pattern": "^data:"}),
        ),
    ]
}
CALL = _object(
    ["id", "type", "function"],
    id=TEXT,
    type={"const": "function"},
    function=_object(["name", "arguments"], name=TEXT, arguments=TEXT),
)
MESSAGE = _object(
    ["role", "content"],
    role={"enum": ["system", "user", "assistant", "tool"]},
    content={"oneOf": [TEXT, {"type": "array", "items": PART, "minItems": 1}]},
    tool_calls={"type": "array", "items": CALL},
    tool_call_id=TEXT,
)
FORMAT = {
    "oneOf": [
        _object(["type"], type={"enum": ["text", "json_object"]}),
        _object(
            ["type", "json_schema"],
            type={"const": "json_schema"},
            json_schema=_object(["name", "schema"], name=TEXT, schema={"type": "object"}, strict=FLAG),
        ),
        _object(["type", "value"], type={"const": "json"}, value={"type": "object"}),
    ]
}
CHAT = _object(
    ["model", "messages"],
    model=TEXT,
    messages={"type": "array", "items": MESSAGE, "minItems": 1},
    stream=FLAG,
    stream_options=_object([], include_usage=FLAG),
    temperature={"type": "number", "minimum": 0, "maximum": 2},
    max_tokens=NUMBER,
    max_completion_tokens=NUMBER,
    response_format=FORMAT,
    tools={
        "type": "array",
        "items": _object(
            ["type", "function"],
            type={"const": "function"},
            function=_object(["name", "parameters"], name=TEXT, description=TEXT, parameters={"type": "object"}),
        ),
    },
)
EMBED = _object(
    ["model", "input"],
    model=TEXT,
    input={"type": "array", "items": TEXT, "minItems": 1},
    encoding_format={"enum": ["float", "base64"]},
    dimensions=NUMBER,
)
BATCH = _object(
    ["input_file_id", "endpoint", "completion_window"],
    input_file_id=TEXT,
    endpoint={"enum": ["/v1/chat/completions"]},
    completion_window={"enum": ["24h"]},
)


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


OK = {"200": {"description": "ok"}}
UPLOAD = {"multipart/form-data": {"schema": _object(["file", "purpose"], file=TEXT, purpose={"enum": ["batch"]})}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://api.example.com/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/chat/completions": {"post": {"requestBody": _json(CHAT), "responses": OK}},
        "/embeddings": {"post": {"requestBody": _json(EMBED), "responses": OK}},
        "/models": {"get": {"responses": OK}},
        "/files": {"post": {"requestBody": {"required": True, "content": UPLOAD}, "responses": OK}},
        "/files/{file}/content": {"get": {"parameters": [_path("file")], "responses": OK}},
        "/batches": {"post": {"requestBody": _json(BATCH), "responses": OK}},
        "/batches/{batch}": {"get": {"parameters": [_path("batch")], "responses": OK}},
        "/batches/{batch}/cancel": {"post": {"parameters": [_path("batch")], "responses": OK}},
    },
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
}

USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def answer(content: Any = "Hello", finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A whole answer, as OpenAI's document wants it."""
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": USAGE,
    }


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def stream(*deltas: dict[str, Any], finish: str = "stop") -> SpecAnswer:
    """A stream of these deltas, its end, and the usage."""
    end = {**chunk({}), "choices": [], "usage": USAGE}
    return SpecAnswer.sse([*(chunk(delta) for delta in deltas), chunk({}, finish), end])
