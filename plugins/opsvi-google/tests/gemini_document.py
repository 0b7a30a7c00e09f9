"""The paths of the Gemini API that the plugin uses, written down for the validating mock: nothing else is allowed.

The API reads names in both spellings, `mimeType` and `mime_type`, as all of protobuf's JSON does; the SDK writes both.
"""

from __future__ import annotations

import re
from typing import Any

_STRING = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_ANY = {"type": "object"}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object of these fields in either spelling."""
    both = {spelling: schema for name, schema in properties.items() for spelling in (name, _snake(name))}
    needed = [{"anyOf": [{"required": [name]}, {"required": [_snake(name)]}]} for name in required]
    return {"type": "object", "additionalProperties": False, "properties": both, "allOf": [{}, *needed]}


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda capital: "_" + capital[1].lower(), name)


def camel(value: Any) -> Any:
    """A body with all names in the spelling of the documentation."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_([a-z])", lambda letter: letter[1].upper(), name): camel(item) for name, item in value.items()}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": least}


_FUNCTION = _closed(["name", "args"], id=_STRING, name={**_STRING, "pattern": r"^[\w.:-]{1,64}$"}, args=_ANY)
_PART = {
    "oneOf": [
        _closed(["text"], text={**_STRING, "minLength": 1}, thought={"type": "boolean"}),
        _closed(["inlineData"], inlineData=_closed(["mimeType", "data"], mimeType=_STRING, data=_STRING)),
        _closed(["functionCall"], functionCall=_FUNCTION, thoughtSignature=_STRING),
        _closed(
            ["functionResponse"],
            functionResponse=_closed(["name", "response"], id=_STRING, name=_STRING, response=_ANY),
        ),
    ]
}
_CONTENT = _closed(["parts"], role={**_STRING, "enum": ["user", "model"]}, parts=_list(_PART, 1))
_CONFIG = _closed(
    [],
    temperature={"type": "number", "minimum": 0, "maximum": 2},
    topP={"type": "number"},
    maxOutputTokens={"type": "integer", "minimum": 1},
    responseMimeType={**_STRING, "enum": ["application/json"]},
    responseJsonSchema=_ANY,
    thinkingConfig=_closed(["includeThoughts"], includeThoughts={"type": "boolean"}),
)
_DECLARATION = _closed(
    ["name", "description", "parametersJsonSchema"], name=_STRING, description=_STRING, parametersJsonSchema=_ANY
)
_REQUEST = _closed(
    ["contents"],
    model=_STRING,
    contents=_list(_ref("Content"), 1),
    systemInstruction=_ref("Content"),
    tools=_list(_closed(["functionDeclarations"], functionDeclarations=_list(_DECLARATION, 1)), 1),
    generationConfig=_CONFIG,
)
_EMBED = _closed(
    ["model", "content"],
    model={**_STRING, "pattern": "^models/"},
    content=_ref("Content"),
    taskType={**_STRING, "enum": ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"]},
    outputDimensionality={"type": "integer", "minimum": 1},
)
_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "candidates": _list({"type": "object", "properties": {"index": _WHOLE, "finishReason": _STRING}}),
        "usageMetadata": {"type": "object", "properties": {"promptTokenCount": _WHOLE}},
    },
}
_MODEL = {"name": "model", "in": "path", "required": True, "schema": _STRING}


def _post(request: dict[str, Any], *, stream: bool = False) -> dict[str, Any]:
    media = "text/event-stream" if stream else "application/json"
    return {
        "parameters": [
            _MODEL,
            *([{"name": "alt", "in": "query", "required": True, "schema": {"enum": ["sse"]}}] if stream else []),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "ok", "content": {media: {"schema": _ref("Answer")}}}},
    }


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "security": [{"key": []}],
    "paths": {
        "/v1beta/models/{model}:generateContent": {"post": _post(_ref("Request"))},
        "/v1beta/models/{model}:streamGenerateContent": {"post": _post(_ref("Request"), stream=True)},
        "/v1beta/models/{model}:countTokens": {
            "post": _post(
                _closed(
                    ["generateContentRequest"],
                    contents={"type": "array", "maxItems": 0},
                    generateContentRequest=_ref("Request"),
                )
            )
        },
        "/v1beta/models/{model}:batchEmbedContents": {"post": _post(_closed(["requests"], requests=_list(_EMBED, 1)))},
        "/v1beta/models": {
            "get": {
                "parameters": [
                    {"name": "pageSize", "in": "query", "schema": {"type": "integer", "maximum": 1000}},
                    {"name": "pageToken", "in": "query", "schema": _STRING},
                ],
                "responses": {"200": {"description": "ok"}},
            }
        },
    },
    "components": {
        "schemas": {"Content": _CONTENT, "Request": _REQUEST, "Answer": _ANSWER},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"}},
    },
}
