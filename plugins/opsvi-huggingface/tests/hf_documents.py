"""What the plugin uses of the router, of TGI and of TEI, written down for the validating mock."""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_ANY = {"type": "object"}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


def _function(parameters: str) -> dict[str, Any]:
    inner = _closed(["name", parameters], name=_STRING, description=_STRING, **{parameters: _ANY})
    return _closed(["type", "function"], type={"enum": ["function"]}, function=inner)


_TEXT = _closed(["type", "text"], type={"enum": ["text"]}, text=_STRING)
_IMAGE = _closed(
    ["type", "image_url"],
    type={"enum": ["image_url"]},
    image_url=_closed(["url"], url={**_STRING, "pattern": "^data:image/"}),
)
_CALL = _closed(
    ["id", "type", "function"],
    id=_STRING,
    type={"enum": ["function"]},
    function=_closed(["name", "arguments"], name=_STRING, arguments=_STRING),
)
_MESSAGE = _closed(
    ["role", "content"],
    role={"enum": ["system", "user", "assistant", "tool"]},
    content={"anyOf": [_STRING, _list({"anyOf": [_TEXT, _IMAGE]})]},
    tool_calls=_list(_CALL),
    tool_call_id=_STRING,
)
_FORMATS = {
    "parameters": _closed(
        ["type", "json_schema"],
        type={"enum": ["json_schema"]},
        json_schema=_closed(["name", "schema"], name=_STRING, schema=_ANY),
    ),
    "arguments": _closed(["type", "value"], type={"enum": ["json"]}, value=_ANY),
}


def _chat(parameters: str) -> dict[str, Any]:
    return _closed(
        ["model", "messages"],
        model=_STRING,
        messages=_list(_MESSAGE),
        stream={"type": "boolean"},
        stream_options=_closed(["include_usage"], include_usage={"type": "boolean"}),
        temperature={"type": "number", "minimum": 0, "maximum": 2},
        max_tokens={"type": "integer", "minimum": 1},
        response_format=_FORMATS[parameters],
        tools=_list(_function(parameters)),
    )


def _post(request: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "ok"}},
    }


def _document(paths: dict[str, Any]) -> dict[str, Any]:
    schemes = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "security": [{"key": []}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


_EMBED = _closed(["inputs"], inputs=_list({**_STRING, "minLength": 1}), truncate={"type": "boolean"})
_LIST = {"get": {"responses": {"200": {"description": "ok"}}}}
_PARTS = [{"name": name, "in": "path", "required": True, "schema": _STRING} for name in ("owner", "model")]
ROUTER = _document(
    {
        "/v1/chat/completions": {"post": _post(_chat("parameters"))},
        "/v1/models": _LIST,
        "/hf-inference/models/{owner}/{model}/pipeline/feature-extraction": {"post": _post(_EMBED, *_PARTS)},
    }
)
TGI = _document({"/v1/chat/completions": {"post": _post(_chat("arguments"))}, "/v1/models": _LIST})
_RERANK = _closed(
    ["query", "texts"],
    query={**_STRING, "minLength": 1},
    texts={**_list({**_STRING, "minLength": 1}), "minItems": 1, "maxItems": 32},
    truncate={"type": "boolean"},
)
TEI = _document({"/embed": {"post": _post(_EMBED)}, "/rerank": {"post": _post(_RERANK)}})
