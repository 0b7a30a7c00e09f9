"""Values, errors and lines: what goes in comes out, and nothing else is taken."""

from __future__ import annotations

import io
import json
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pytest

from opsvi_cli import errors
from opsvi_cli.errors import CredentialsError, ExitCode, OpsviError, PluginError, ProviderError
from opsvi_cli.plugin_host.isolation import wire
from opsvi_cli.plugin_host.isolation.wire import (
    DATACLASSES,
    ERRORS,
    Reference,
    WireError,
    decode,
    decode_error,
    encode,
    encode_error,
    read_line,
    write_line,
)
from opsvi_cli.sdk import And, Compare, Document, Not, Page, TextDelta


def over(value: Any) -> Any:
    """The value after a line of JSON."""
    stream = io.BytesIO()
    write_line(stream, {"value": encode(value)})
    stream.seek(0)
    message = read_line(stream)
    assert message is not None
    return decode(message["value"], lambda reference: reference)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**70,
        -0.5,
        "a\nb\ud800\x00",
        [1, (2, [3]), ()],
        frozenset({"a", "b"}),
        b"\x00\xff",
        {"a": {"@": "vectors", "x": (1,)}},
        {"": None},
        Document("t", metadata={"k": [1, {"@": 2}]}, pages=(Page(1, 0, 1),)),
        And((Compare("a", "in", [1, None]), Not(Compare("b", "exists", True)))),
        Reference("provider", 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_come_out_as_they_went_in(value: Any) -> None:
    found = over(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("name", DATACLASSES)
def test_every_dataclass_of_the_sdk_crosses(name: str) -> None:
    kind = DATACLASSES[name]
    value = kind(**{field.name: f"<{field.name}>" for field in fields(kind) if field.default is MISSING})
    assert over(value) == value


@pytest.mark.parametrize("shape", [(0, 4), (3, 2), (5,), ()])
def test_vectors_keep_shape_and_bits(shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    found = over(value)
    assert found.dtype == np.float32
    assert found.shape == shape
    assert np.array_equal(found, value)
    assert np.isnan(over(np.array([np.nan], dtype=np.float32))[0])
    assert found.flags.writeable


def test_numbers_of_numpy_become_plain() -> None:
    assert over([np.float32(0.5), np.int64(3)]) == [0.5, 3]


class Foreign(TextDelta):
    """A plugin's own class."""


def test_a_subclass_crosses_as_the_class_of_the_sdk() -> None:
    assert over(Foreign("x")) == TextDelta("x")


@pytest.mark.parametrize("value", [object(), {1: 2}, len, iter([]), 1j], ids=lambda value: type(value).__name__)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot leave its process"):
        encode({"x": [value]})


@pytest.mark.parametrize(
    "value",
    [
        {"@": "subprocess.Popen", "fields": {"args": ["sh"]}},
        {"@": "Services", "fields": {}},
        {"@": "TextDelta", "fields": {"text": "x", "more": 1}},
        {"@": "TextDelta"},
        {"@": ["tuple"], "items": []},
        {"@": "tuple", "items": 5},
        {"@": "bytes", "data": "!"},
        {"@": "vectors", "shape": [2], "data": "AAAA"},
        {"@": "vectors", "shape": [-1, -1], "data": "AAAAAA=="},
        {"@": "reference", "surface": "x"},
        {"@": None},
    ],
    ids=json.dumps,
)
def test_what_encode_cannot_have_written_is_refused(value: Any) -> None:
    with pytest.raises(WireError):
        decode([value], lambda reference: reference)


def test_vectors_without_numpy_are_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    sent = encode(np.zeros((1, 1), dtype=np.float32))
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(PluginError, match="need numpy"):
        decode(sent, lambda reference: reference)


def _made(kind: type[OpsviError]) -> OpsviError:
    if issubclass(kind, ProviderError):
        return kind("m", hint="h", kind="timeout", retry_after=1.5, status=504)
    return kind("m", hint="h", details={"a": 1})


@pytest.mark.parametrize("kind", ERRORS.values(), ids=ERRORS)
def test_errors_keep_class_words_and_exit_code(kind: type[OpsviError]) -> None:
    error = _made(kind)
    found = decode_error(json.loads(json.dumps(encode_error(error))))
    assert type(found) is kind
    assert (found.message, found.hint, found.details, found.exit_code, str(found)) == (
        error.message,
        error.hint,
        error.details,
        error.exit_code,
        str(error),
    )
    if isinstance(error, ProviderError):
        assert (found.kind, found.retry_after, found.status, found.retryable) == ("timeout", 1.5, 504, True)


def test_all_errors_of_opsvi_are_known() -> None:
    assert {name for name in vars(errors) if name.endswith("Error")} == set(ERRORS)


def test_a_class_of_the_plugins_own_becomes_the_nearest_of_opsvi() -> None:
    class KeyGone(CredentialsError):
        exit_code = ExitCode.BUDGET

    found = decode_error(encode_error(KeyGone("m", details={"x": object()})))
    assert type(found) is CredentialsError
    assert found.exit_code == ExitCode.BUDGET


@pytest.mark.parametrize(
    "change",
    [{"class": "SystemExit"}, {"class": None}, {"exit_code": 99}, {"exit_code": "x"}, {"details": 3}],
    ids=json.dumps,
)
def test_an_error_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        decode_error({**encode_error(PluginError("m")), **change})


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b"{}", b"[" * 100_000 + b"\n", b"\xff\n", b"\n"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        read_line(io.BytesIO(line))


def test_lines_have_a_limit_both_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    stream = io.BytesIO(b'{"a": "' + b"x" * 100 + b'"}\n')
    with pytest.raises(WireError, match="too long"):
        read_line(stream, limit=50)
    monkeypatch.setattr(wire, "MAX_LINE", 50)
    out = io.BytesIO()
    with pytest.raises(WireError, match="over the limit"):
        write_line(out, {"a": "x" * 100})
    assert out.getvalue() == b""


def test_the_end_of_the_stream_is_none() -> None:
    assert read_line(io.BytesIO()) is None
