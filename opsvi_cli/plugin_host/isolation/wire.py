"""Values and errors as JSON lines, for both ends of the pipe: standard library and the SDK only, never pickle.

What is no JSON value goes as an object with the key `@`: the SDK's dataclasses by their names, a closed set; `tuple`,
`set`, `bytes` (base64), `vectors` (base64 of little-endian float32, and a shape), `map` (a mapping that has the key `@`
itself), and `reference`, an object that stays where it is and is called.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import ModuleType
from typing import Any, BinaryIO

from opsvi_cli import errors, sdk
from opsvi_cli.errors import ExitCode, OpsviError, PluginError, ProviderError

MAX_LINE = 1 << 30
"""Bytes of one message: the largest source in base64, and room."""

DATACLASSES: Mapping[str, Any] = {
    name: value for name in sdk.__all__ if isinstance(value := getattr(sdk, name), type) and is_dataclass(value)
}
ERRORS: Mapping[str, type[OpsviError]] = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, OpsviError)
}
_FIELDS = {name: frozenset(field.name for field in fields(value)) for name, value in DATACLASSES.items()}


class WireError(Exception):
    """What came over the pipe is not of this protocol."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object of the sender's side, by number; `surface` says what it can be asked."""

    surface: str
    number: int


def encode(value: Any) -> Any:
    """What `json` can write. Raises TypeError for a value that has no form on the wire."""
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"@": "tuple", "items": [encode(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {"@": "set", "items": [encode(item) for item in value]}
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"@": "bytes", "data": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Reference):
        return {"@": "reference", "surface": value.surface, "number": value.number}
    for kind in type(value).__mro__:
        if DATACLASSES.get(kind.__name__) is kind:
            named = {name: encode(getattr(value, name)) for name in _FIELDS[kind.__name__]}
            return {"@": kind.__name__, "fields": named}
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        data = numpy.ascontiguousarray(value, dtype="<f4").tobytes()
        return {"@": "vectors", "shape": list(value.shape), "data": base64.b64encode(data).decode("ascii")}
    if numpy is not None and isinstance(value, numpy.generic):
        return encode(value.item())
    raise TypeError(f"a value of type {type(value).__name__} cannot leave its process")


def _encode_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"a mapping with the key {key!r} cannot leave its process: keys are text")
    if "@" in value:
        return {"@": "map", "items": [[key, encode(item)] for key, item in value.items()]}
    return {key: encode(item) for key, item in value.items()}


def decode(value: Any, resolve: Callable[[Reference], Any]) -> Any:
    """The value that `encode` was given; `resolve` finds or makes the object of a reference.

    Raises WireError for what `encode` cannot have written, PluginError for vectors where numpy is missing.
    """
    if isinstance(value, list):
        return [decode(item, resolve) for item in value]
    if not isinstance(value, dict):
        return value
    if "@" not in value:
        return {key: decode(item, resolve) for key, item in value.items()}
    tag = value["@"]
    try:
        if tag in ("tuple", "set"):
            items = [decode(item, resolve) for item in value["items"]]
            return tuple(items) if tag == "tuple" else frozenset(items)
        if tag == "map":
            return {str(key): decode(item, resolve) for key, item in value["items"]}
        if tag == "bytes":
            return base64.b64decode(value["data"], validate=True)
        if tag == "reference":
            return resolve(Reference(str(value["surface"]), int(value["number"])))
        if tag == "vectors":
            return _vectors([int(size) for size in value["shape"]], base64.b64decode(value["data"], validate=True))
        kind = DATACLASSES[tag]
        return kind(**{str(name): decode(item, resolve) for name, item in value["fields"].items()})
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise WireError(f"{str(tag)[:40]}: {type(error).__name__}: {error}") from error


def _vectors(shape: list[int], data: bytes) -> Any:
    if any(size < 0 for size in shape) or 4 * math.prod(shape) != len(data):
        raise WireError(f"{len(data)} bytes are not vectors of shape {shape}")
    numpy = _numpy()
    return numpy.frombuffer(data, dtype="<f4").astype(numpy.float32).reshape(shape)


def _numpy() -> ModuleType:
    try:
        import numpy
    except ImportError:
        raise PluginError(
            "vectors need numpy, which the plugin's environment does not have",
            hint="add numpy to the plugin's dependencies",
        ) from None
    return numpy


def encode_error(error: OpsviError) -> dict[str, Any]:
    """All that a person or a script sees of an error; a class of the plugin's own becomes the nearest one of opsvi."""
    name = next(kind.__name__ for kind in type(error).__mro__ if ERRORS.get(kind.__name__) is kind)
    known: dict[str, Any] = {
        "class": name,
        "message": str(error.message),
        "hint": str(error.hint),
        "details": _plain(error.details),
        "exit_code": int(error.exit_code),
    }
    if isinstance(error, ProviderError):
        known.update(kind=error.kind, retry_after=error.retry_after, status=error.status)
    return known


def _plain(details: Mapping[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(dict(details), default=str))
    except (TypeError, ValueError, RecursionError):
        return {}


def decode_error(known: Mapping[str, Any]) -> OpsviError:
    """The error as it was raised on the other side. Raises WireError."""
    try:
        kind = ERRORS[known["class"]]
        message, hint = str(known["message"]), str(known["hint"])
        error: OpsviError
        if issubclass(kind, ProviderError):
            error = kind(
                message, hint=hint, kind=known["kind"], retry_after=known["retry_after"], status=known["status"]
            )
            error.details = dict(known["details"])
        else:
            error = kind(message, hint=hint, details=dict(known["details"]))
        error.exit_code = ExitCode(known["exit_code"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise WireError(f"an error that is none: {type(wrong).__name__}: {wrong}") from wrong
    return error


def write_line(stream: BinaryIO, message: Mapping[str, Any]) -> None:
    """One message. Raises WireError for one that is too long, OSError when nobody reads."""
    line = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(line) >= MAX_LINE:
        raise WireError(f"a message of {len(line)} bytes is over the limit of {MAX_LINE}")
    stream.write(line + b"\n")
    stream.flush()


def read_line(stream: BinaryIO, limit: int = MAX_LINE) -> dict[str, Any] | None:
    """The next message; None at the end of the stream. Raises WireError for anything else, OSError."""
    line = stream.readline(limit + 1)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise WireError("a message is cut short or too long")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError("a message is no JSON") from error
    if not isinstance(message, dict):
        raise WireError("a message is no object")
    return message
