"""Settings as they may be shown: rows with origins, keys that should not be there taken out; and their JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError

from .redact import MARK, is_reference, is_secret_name
from .schema import Root
from .setting_types import Key, Known, known_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opsvi_cli.context import AppContext

    from .redact import Redactor
    from .settings import Settings

LIST_FIELDS = ("key", "value", "origin", "where")


def rows(settings: Settings, redactor: Redactor, stored_names: Callable[[], Collection[str]]) -> list[dict[str, Any]]:
    """Every setting. `stored_names` is asked only when a key's setting holds a plain word."""
    return [row(settings, key, value, redactor, stored_names) for key, value in settings.flat()]


def row(
    settings: Settings, key: Key, value: Any, redactor: Redactor, stored_names: Callable[[], Collection[str]]
) -> dict[str, Any]:
    origin = settings.origin(key)
    shown = shown_value(key, value, redactor, stored_names)
    return {"key": ".".join(key), "value": shown, "origin": origin.kind, "where": origin.where}


def shown_value(key: Key, value: Any, redactor: Redactor, stored_names: Callable[[], Collection[str]]) -> Any:
    """References to keys as they are, a key itself as `[redacted]`, everything else past the redactor."""
    if isinstance(value, dict):
        return {name: shown_value((*key, name), item, redactor, stored_names) for name, item in value.items()}
    if isinstance(value, str) and value and key and is_secret_name(key[-1]):
        return value if is_reference(value) or value in stored_names() else MARK
    return redactor.redact_data(value)


def stored_names(app: AppContext) -> Callable[[], Collection[str]]:
    """The names of the stored keys, read when asked for; none when they cannot be read."""

    def read() -> Collection[str]:
        try:
            return {stored.name for stored in app.foundation.secrets.names()}
        except OpsviError:
            return ()

    return read


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a settings file, with the meaning of every setting."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Root).json_schema()
    definitions: dict[str, Any] = schema.get("$defs", {})
    for known in known_settings().values():
        _describe(schema, definitions, known)
    for table in (schema, *definitions.values()):
        table.pop("description", None)
        table["additionalProperties"] = False
    root = {name: schema[name] for name in ("properties", "additionalProperties")}
    definitions["Settings"] = {"type": "object", **root}
    profiles = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Settings"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of opsvi",
        "type": "object",
        "properties": {**schema["properties"], "profiles": profiles},
        "additionalProperties": False,
        "$defs": definitions,
    }


def _describe(schema: dict[str, Any], definitions: dict[str, Any], known: Known) -> None:
    table = schema
    for step in known.key[:-1]:
        table = definitions[table["properties"][step]["$ref"].rpartition("/")[2]]
    field = table["properties"][known.key[-1]]
    field["description"] = known.help
    field["default"] = known.default
    if known.least is not None:
        field["minimum"] = known.least
