"""Bytes to text when nobody says for sure how they are encoded.

The order matters: a byte order mark (UTF-32 before UTF-16, whose mark it begins with), the pattern of NUL bytes, the
escape sequences of ISO 2022 (7 bit, so they would pass as UTF-8), strict UTF-8, statistics, Windows-1252.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from opsvi_cli.sdk import DocumentError

BINARY_SHARE = 0.10
"""Share of control characters above which decoded text is taken for binary data."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ISO_2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([A-Z]|\$\)[A-Z]|\(J)")
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_PROBE = 8192


class Decoded(NamedTuple):
    text: str
    encoding: str


def decode(data: bytes, declared: str = "") -> Decoded:
    """Never fails: what cannot be decoded becomes U+FFFD. `declared` is tried after what the bytes prove."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(encoding, "replace"), encoding)
    if encoding := _by_nul_pattern(data[:_PROBE]):
        return Decoded(data.decode(encoding, "replace"), encoding)
    if _ISO_2022.search(data[:200_000]):
        found = _strict(data, "iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr")
        if found:
            return found
    found = _strict(data, "utf-8", *([declared] if declared else []))
    return found or _almost_utf8(data) or _by_statistics(data)


def decode_declared(data: bytes, declared: str) -> Decoded:
    """For mail, where a charset is stated and mostly true: the declared one first, then `decode`."""
    usual = declared.lower() in ("", "ascii", "us-ascii", "unknown-8bit", "x-unknown", "default")
    return (None if usual else _strict(data, declared)) or decode(data)


def decode_text(data: bytes, name: str, declared: str = "") -> Decoded:
    """As `decode`. Raises DocumentError when `data` is not text."""
    decoded = decode(data, declared)
    if is_binary(decoded.text):
        raise DocumentError(
            f"{name} is not text: it holds binary data", hint="give the file its right suffix, or leave it out"
        )
    return decoded


def is_binary(text: str) -> bool:
    """True when more than a tenth of a sample are control characters or could not be decoded."""
    sample = text[:100_000]
    return bool(sample) and len(_CONTROL.findall(sample)) > BINARY_SHARE * len(sample)


def plain_lines(text: str) -> str:
    """Line ends as `\\n` alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _by_nul_pattern(sample: bytes) -> str:
    """UTF-16 and UTF-32 of mostly Latin text, without a byte order mark."""
    size = len(sample) - len(sample) % 4
    if size < 4 or b"\0" not in sample:
        return ""
    quarter = size // 4
    nuls = [sample[offset:size:4].count(0) / quarter for offset in range(4)]
    if max(nuls) < 0.4:
        return ""
    even, odd = (nuls[0] + nuls[2]) / 2, (nuls[1] + nuls[3]) / 2
    if nuls[0] < 0.2 and min(nuls[2:]) > 0.9 and nuls[1] > 0.4:
        return "utf-32-le"
    if nuls[3] < 0.2 and min(nuls[:2]) > 0.9 and nuls[2] > 0.4:
        return "utf-32-be"
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return ""


def _strict(data: bytes, *encodings: str) -> Decoded | None:
    for encoding in encodings:
        try:
            return Decoded(data.decode(encoding), codecs.lookup(encoding).name)
        except (LookupError, ValueError, AssertionError):  # unknown name, wrong bytes, a codec that is not for text
            continue
    return None


def _almost_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a few damaged bytes: statistics would read every accent of it wrong."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    foreign = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return Decoded(text, "utf-8") if foreign > 20 * damaged else None


def _by_statistics(data: bytes) -> Decoded:
    import chardet

    guess = chardet.detect(data).get("encoding") or "cp1252"
    if codecs_name(guess) in ("ascii", "iso8859-1"):
        guess = "cp1252"  # what browsers do too: it adds curly quotes and the euro sign
    return _strict(data, guess, "cp1252") or Decoded(data.decode("cp1252", "replace"), "cp1252")


def codecs_name(encoding: str) -> str:
    """Python's own name of an encoding; empty when it has none."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
