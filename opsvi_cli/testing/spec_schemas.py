"""The schemas of an OpenAPI 3 document as plain JSON Schema (2020-12), each proved usable before anything is checked.

OpenAPI 3.0 differs from JSON Schema (`nullable`, `exclusiveMinimum: true`, `discriminator`). A validator that does not
know the difference skips such a schema or refuses it later, so everything is translated and compiled here, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

URI = "urn:opsvi:spec"
_VALUES = frozenset({"example", "examples", "default", "enum", "const"})  # hold data, no schemas
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset(
    {
        "items",
        "additionalProperties",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "unevaluatedProperties",
        "unevaluatedItems",
    }
)
_SCHEMAS = "#/components/schemas/"


class SpecError(AssertionError):
    """The document, or the script of a test, cannot be used: said at the start, never passed over."""


class Schemas:
    """The translated document, and validators for the schemas in it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        self._families, names = _families(document)
        self.document: dict[str, Any] = self._outside(document, ())
        schemas = self.document.setdefault("components", {}).setdefault("schemas", {})
        for name, mapping in self._families.items():
            schemas[_any_of(name)] = {"allOf": [{"$ref": _SCHEMAS + name}, *_cases(names[name], mapping)]}
        self._check()
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Any = Registry().with_resource(URI, resource)
        self._validator = Draft202012Validator

    def validator(self, schema: Any) -> Any:
        """A validator for a schema of `document`, or for one that refers into it."""
        return self._validator(_absolute(schema), registry=self._registry)

    def resolve(self, value: Any) -> Any:
        """What a `$ref` stands for; everything else as it is."""
        seen: set[str] = set()
        while isinstance(value, dict) and isinstance(reference := value.get("$ref"), str):
            if reference in seen:
                raise SpecError(f"{reference} refers to itself")
            seen.add(reference)
            value = self._target(reference)
        return value

    # --- translation

    def _outside(self, node: Any, path: tuple[str, ...]) -> Any:
        """What is no schema (paths, parameters, media types), with the schemas in it translated."""
        if isinstance(node, list):
            return [self._outside(item, path) for item in node]
        if not isinstance(node, Mapping):
            return node
        if path == ("components", "schemas"):
            return {name: self._schema(schema, name) for name, schema in node.items()}
        return {
            name: self._schema(value, "")
            if name == "schema"
            else value
            if name in ("example", "examples")
            else self._outside(value, (*path, name))
            for name, value in node.items()
        }

    def _schema(self, node: Any, name: str) -> Any:
        """`name` is that of a component, whose own family is not to be asked again."""
        if not isinstance(node, Mapping):
            return node
        made: dict[str, Any] = {}
        for key, value in node.items():
            if key in _MAPS and isinstance(value, Mapping):
                made[key] = {inner: self._schema(schema, "") for inner, schema in value.items()}
            elif key in _LISTS and isinstance(value, list):
                made[key] = [self._schema(schema, name if key == "allOf" else "") for schema in value]
            elif key in _SINGLE:
                made[key] = self._schema(value, "")
            elif key == "$ref" and isinstance(value, str):
                made[key] = self._reference(value, name)
            elif key not in _VALUES or key in ("enum", "const"):
                made[key] = value
        _bounds(made)
        _choice(made)
        return _nullable(made)

    def _reference(self, reference: str, child: str) -> str:
        """A parent with a discriminator stands for its children, except where a child builds on it."""
        parent = reference.removeprefix(_SCHEMAS)
        mapping = self._families.get(parent)
        if mapping is None or not reference.startswith(_SCHEMAS) or _SCHEMAS + child in mapping.values():
            return reference
        return _SCHEMAS + _any_of(parent)

    # --- proof

    def _check(self) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        for place, schema in _found(self.document, ""):
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                where = "/".join(str(step) for step in error.absolute_path)
                raise SpecError(f"the schema at {place} cannot be used: {where}: {error.message}") from None
            for part in _parts(schema):
                self._check_part(part, place)

    def _check_part(self, part: Mapping[str, Any], place: str) -> None:
        if isinstance(reference := part.get("$ref"), str):
            self._target(reference, place)
        for pattern in (part.get("pattern"), *(part.get("patternProperties") or ())):
            if pattern is not None:
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise SpecError(f"the schema at {place} cannot be used: pattern {pattern!r}: {error}") from None
        if part.get("nullable"):
            raise SpecError(f"the schema at {place} cannot be used: nullable where there is no schema")

    def _target(self, reference: str, place: str = "") -> Any:
        node: Any = self.document
        if not reference.startswith("#/"):
            raise SpecError(f"{place}: only references inside the document are followed, not {reference!r}")
        for step in reference[2:].split("/"):
            step = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and step.isdigit() and int(step) < len(node):
                node = node[int(step)]
            elif isinstance(node, Mapping) and step in node:
                node = node[step]
            else:
                raise SpecError(f"{place}: {reference!r} leads nowhere")
        return node


def _absolute(schema: Any) -> Any:
    """References of a schema that stands alone, made to point into the document."""
    if isinstance(schema, list):
        return [_absolute(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: URI + value if key == "$ref" and isinstance(value, str) and value.startswith("#") else _absolute(value)
        for key, value in schema.items()
    }


def _families(document: Mapping[str, Any]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Parents whose discriminator names their children (`mapping` without `oneOf`): value -> reference; the property
    that holds the value."""
    schemas = (document.get("components") or {}).get("schemas") or {}
    found: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for name, schema in schemas.items():
        rule = schema.get("discriminator") if isinstance(schema, Mapping) else None
        if isinstance(rule, Mapping) and rule.get("mapping") and not {"oneOf", "anyOf"} & set(schema):
            found[name] = {value: _full(target) for value, target in rule["mapping"].items()}
            names[name] = str(rule["propertyName"])
    return found, names


def _any_of(name: str) -> str:
    return f"{name}.any"


def _full(target: str) -> str:
    return target if "#" in target else _SCHEMAS + target


def _bounds(schema: dict[str, Any]) -> None:
    """OpenAPI 3.0: a bound is a number, and a flag beside it says that it is excluded."""
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(flag := schema.get(bound), bool):
            del schema[bound]
            if flag:
                if limit not in schema:
                    raise SpecError(f"{bound}: true without {limit}")
                schema[bound] = schema.pop(limit)


def _choice(schema: dict[str, Any]) -> None:
    """`oneOf` with a discriminator's mapping: the property's value chooses, and no other alternative is asked."""
    rule = schema.pop("discriminator", None)
    if not isinstance(rule, Mapping) or not isinstance(name := rule.get("propertyName"), str):
        return
    mapping = rule.get("mapping")
    if mapping and (alternatives := schema.get("oneOf") or schema.get("anyOf")):
        known = {item.get("$ref") for item in alternatives}
        chosen = {value: _full(target) for value, target in mapping.items() if _full(target) in known}
        if {*chosen.values()} == known:
            schema.pop("oneOf", None)
            schema.pop("anyOf", None)
            schema["allOf"] = [*schema.get("allOf", ()), *_cases(name, chosen)]


def _cases(name: str, chosen: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield {"type": "object", "required": [name], "properties": {name: {"enum": list(chosen)}}}
    for value, target in chosen.items():
        yield {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"$ref": target}}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("nullable"), bool):
        return schema
    if not schema.pop("nullable"):
        return schema
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [{"type": "null"}, schema]}


def _found(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every outermost schema of a translated document, with its place."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _found(item, f"{place}/{index}")
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("example", "examples"):
                continue
            if key == "schema":
                yield f"{place}/schema", value
            elif place == "/components" and key == "schemas":
                yield from ((f"/components/schemas/{name}", schema) for name, schema in value.items())
            else:
                yield from _found(value, f"{place}/{key}")


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and all schemas inside it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, Mapping):
            for inner in value.values():
                yield from _parts(inner)
        elif key in _LISTS and isinstance(value, list):
            for inner in value:
                yield from _parts(inner)
        elif key in _SINGLE:
            yield from _parts(value)
