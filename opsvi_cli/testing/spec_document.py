"""An OpenAPI 3 document as the judge of requests and answers: every reason that something is not allowed."""

from __future__ import annotations

import copy
import email
import email.policy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .spec_schemas import Schemas, SpecError

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_MOST = 6  # reasons told of one body


@dataclass(frozen=True)
class Operation:
    """One method of one path. `name` is as tests write it: `POST /chat/completions`."""

    name: str
    method: str
    template: str
    spec: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    pattern: re.Pattern[str]


class SpecDocument:
    """Loaded and compiled; SpecError when a part of it cannot be used."""

    def __init__(self, source: Mapping[str, Any] | Path, *, strict: bool) -> None:
        document = _read(source) if isinstance(source, Path) else copy.deepcopy(dict(source))
        if not str(document.get("openapi", "")).startswith("3.") or not document.get("paths"):
            raise SpecError("this is no OpenAPI 3 document with paths")
        self._schemas = Schemas(document)
        self._strict = strict
        self._document = self._schemas.document
        self.prefix = _prefix(self._document)
        self.operations = {operation.name: operation for operation in self._operations()}

    def _operations(self) -> Iterator[Operation]:
        for template, item in self._document["paths"].items():
            pattern = "".join(
                "([^/]+)" if piece.startswith("{") else re.escape(piece) for piece in re.split(r"(\{[^}]*\})", template)
            )
            shared = [self._schemas.resolve(parameter) for parameter in item.get("parameters") or ()]
            for method in _METHODS:
                if (spec := item.get(method)) is None:
                    continue
                own = [self._schemas.resolve(parameter) for parameter in spec.get("parameters") or ()]
                taken = {(parameter["in"], parameter["name"]) for parameter in own}
                own += [parameter for parameter in shared if (parameter["in"], parameter["name"]) not in taken]
                name = f"{method.upper()} {template}"
                yield Operation(name, method.upper(), template, spec, tuple(own), re.compile(pattern + r"\Z"))

    def find(self, method: str, path: str) -> tuple[Operation | None, dict[str, str], bool]:
        """(operation, path parameters, whether the path is known at all). A path without parameters goes first."""
        known = False
        for operation in sorted(self.operations.values(), key=lambda operation: "{" in operation.template):
            if (match := operation.pattern.match(path)) is not None:
                known = True
                if operation.method == method:
                    names = re.findall(r"\{([^}]*)\}", operation.template)
                    return operation, dict(zip(names, map(unquote, match.groups()), strict=True)), True
        return None, {}, known

    # --- requests

    def credentials(self, operation: Operation) -> list[list[tuple[str, str, str]]]:
        """The ways to be let in, each a list of (place, name, prefix); empty when nobody is asked."""
        rules = operation.spec.get("security", self._document.get("security")) or []
        schemes = self._document.get("components", {}).get("securitySchemes") or {}
        return [[_scheme(self._schemas.resolve(schemes.get(name)), name) for name in rule] for rule in rules]

    def parameter_reasons(
        self, operation: Operation, values: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> Iterator[str]:
        """`values`: `path`, `query`, `header`, `cookie` -> name -> what came (header names in lower case)."""
        for parameter in operation.parameters:
            place, name = parameter["in"], parameter["name"]
            came = values[place].get(name.lower() if place == "header" else name)
            if not came:
                if parameter.get("required"):
                    yield f"{place} parameter {name} is missing"
                continue
            schema = parameter.get("schema")
            if schema is None:
                continue
            value = self._typed(schema, came)
            yield from self._reasons(schema, value, f"{place} {name}")

    def body_reasons(self, operation: Operation, content_type: str, raw: bytes) -> tuple[Any, list[str]]:
        """(the parsed body, reasons)."""
        wanted = self._schemas.resolve(operation.spec.get("requestBody"))
        if wanted is None:
            return None, ["a body came where none is allowed"] if raw else []
        if not raw:
            return None, ["the body is missing"] if wanted.get("required", True) else []
        media = content_type.partition(";")[0].strip().lower()
        contents = wanted.get("content") or {}
        if media not in contents:
            return None, [f"content type {media!r} is none of {', '.join(contents)}"]
        try:
            body = _parsed(media, content_type, raw)
        except ValueError as error:
            return None, [f"the body is no {media}: {error}"]
        schema = contents[media].get("schema")
        if schema is None:
            return body, []
        if self._strict and isinstance(body, dict):
            schema = {"allOf": [schema], "unevaluatedProperties": False}
        return body, list(self._reasons(schema, body, "body"))

    # --- answers

    def answer_reasons(self, operation: Operation, status: int, media: str, body: Any) -> list[str]:
        """`body`: the JSON document, or one event of a stream."""
        responses = operation.spec.get("responses") or {}
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in responses:
                contents = self._schemas.resolve(responses[key]).get("content") or {}
                break
        else:
            return [f"status {status} is not in the document"] if status < 400 else []
        if media not in contents:
            return [f"an answer of type {media} is not in the document"] if contents and status < 400 else []
        schema = contents[media].get("schema")
        return [] if schema is None else list(self._reasons(schema, body, "answer"))

    # --- values

    def _reasons(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        from jsonschema.exceptions import best_match

        for count, error in enumerate(self._schemas.validator(schema).iter_errors(value)):
            if count == _MOST:
                yield f"{where}: and more"
                return
            deepest = best_match([error]) or error
            steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in deepest.absolute_path)
            yield f"{where}{steps}: {_short(deepest.message)}"

    def _typed(self, schema: Any, came: Sequence[str]) -> Any:
        """Text of a URL or header as the type that its schema asks for; as text when it is no such value."""
        kinds = self._kinds(schema)
        if "array" in kinds:
            items = self._schemas.resolve(schema).get("items") or {}
            return [self._typed(items, [piece]) for text in came for piece in text.split(",")]
        text = came[-1]
        if "boolean" in kinds and text in ("true", "false"):
            return text == "true"
        for kind, number in (("integer", int), ("number", float)):
            if kind in kinds:
                try:
                    return number(text)
                except ValueError:
                    continue
        return text

    def _kinds(self, schema: Any) -> set[str]:
        schema = self._schemas.resolve(schema)
        if not isinstance(schema, Mapping):
            return set()
        kind = schema.get("type")
        kinds = {kind} if isinstance(kind, str) else set(kind or ())
        for name in ("anyOf", "oneOf", "allOf"):
            for inner in schema.get(name) or ():
                kinds |= self._kinds(inner)
        return kinds


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".yaml", ".yml"):
        import yaml

        document = yaml.safe_load(text)
    else:
        document = json.loads(text)
    if not isinstance(document, dict):
        raise SpecError(f"{path.name} is no OpenAPI 3 document")
    return document


def _prefix(document: Mapping[str, Any]) -> str:
    """The path of the first server, unless the paths of the document hold it already."""
    servers = document.get("servers") or [{}]
    path = urlsplit(re.sub(r"\{[^}]*\}", "x", str(servers[0].get("url") or ""))).path.rstrip("/")
    return "" if all(template.startswith(path + "/") for template in document["paths"]) else path


def _scheme(scheme: Any, name: str) -> tuple[str, str, str]:
    if not isinstance(scheme, Mapping):
        raise SpecError(f"there is no security scheme {name!r}")
    if scheme.get("type") == "apiKey":
        return str(scheme["in"]), str(scheme["name"]), ""
    if scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "basic":
        return "header", "authorization", "Basic "
    return "header", "authorization", "Bearer "


def _parsed(media: str, content_type: str, raw: bytes) -> Any:
    if media.endswith("json"):
        return json.loads(raw)
    if media != "multipart/form-data":
        return raw.decode("utf-8", "replace")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    if not form.is_multipart():
        raise ValueError("there is no boundary")
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        fields[str(name)] = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    return fields


def _short(text: str) -> str:
    return text if len(text) <= 240 else f"{text[:120]} ... {text[-110:]}"
