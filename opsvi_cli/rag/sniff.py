"""What a source is: by its first bytes, by what a zip file holds, by how its text reads; then suffix, then claims."""

from __future__ import annotations

import io
import re
import zipfile

_OFFICE = "application/vnd.openxmlformats-officedocument"
OCTETS = "application/octet-stream"
DOCX = f"{_OFFICE}.wordprocessingml.document"

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\0\0\1\0", "image/vnd.microsoft.icon"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"(\xb5/\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\0asm", "application/wasm"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"%!PS", "application/postscript"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_SUFFIXES = {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
}
_OLE_STREAMS = (
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("EncryptedPackage", "application/x-encrypted-office"),
    ("WordDocument", "application/msword"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("Workbook", "application/vnd.ms-excel"),
)
SUFFIXES: dict[str, str] = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".rst": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".eml": "message/rfc822",
    ".xml": "application/xml",
    ".ipynb": "application/x-ipynb+json",
}
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_FRAGMENT = re.compile(
    r"\s*<(?:div|p|table|h[1-6]|ul|ol|span|section|article|title|meta|style|script|font)\b[^>]*>", re.I
)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,50}):[ \t]?\S?")
_MAIL_HEADERS = frozenset({"from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path"})
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
SAMPLE = 65_536


def sniff(data: bytes, name: str, declared: str = "") -> str:
    """The media type of `data`; `application/octet-stream` for binary data that nothing else is known of."""
    suffix = _suffix(name)
    head = data[:SAMPLE]
    if binary := _by_magic(data, head, suffix):
        return binary
    text = _as_text(head)
    if text is None:
        return OCTETS
    return _by_text(text, suffix, declared.partition(";")[0].strip().lower(), whole=len(data) <= SAMPLE)


def _suffix(name: str) -> str:
    base = name.rpartition("/")[2].lower()
    return "." + base.rpartition(".")[2] if "." in base[1:] else ""


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return b"\0" not in head


def _by_magic(data: bytes, head: bytes, suffix: str) -> str:
    # Some PDFs begin with junk; a program that only speaks of PDFs is clean text.
    if head.startswith(b"%PDF-") or (b"%PDF-" in head[:1024] and b"obj" in head and not _is_utf8(head)):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _by_zip(data)
    if head.startswith(_OLE):
        return _by_ole(data, suffix)
    for magic, media_type in MAGIC:
        if head.startswith(magic) and (len(magic) > 3 or _as_text(head) is None):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI ", b"WEBP"):
        return {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}[head[8:12]]
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[257:262] == b"ustar":
        return "application/x-tar"
    return ""


def _by_zip(data: bytes) -> str:
    """Office and e-book formats are zip files; their members tell them apart."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:20_000]
            kind = ""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                kind = archive.read("mimetype").decode("ascii", "replace").strip()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        kind, names = "", re.findall(r"[\w/.\[\]-]+\.xml", data[:SAMPLE].decode("latin-1"))
    if kind.startswith(("application/epub+zip", "application/vnd.oasis.opendocument.")):
        return kind
    folded = [name.lower().lstrip("/") for name in names]
    if any(name.startswith("word/") for name in folded):
        return DOCX
    if any(name.startswith("ppt/") for name in folded):
        return f"{_OFFICE}.presentationml.presentation"
    if any(name.startswith("xl/") for name in folded):
        return f"{_OFFICE}.spreadsheetml.sheet"
    return "application/zip"


def _by_ole(data: bytes, suffix: str) -> str:
    """Old Office files and Outlook messages: the names of their streams stand in the file as UTF-16."""
    for stream, media_type in _OLE_STREAMS:
        if stream.encode("utf-16-le") in data:
            return media_type
    return _OLE_SUFFIXES.get(suffix, "application/x-ole-storage")


def _as_text(head: bytes) -> str | None:
    """A sample as text, for looking at; None for binary data. How to decode it well is its processor's matter."""
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le")):
        if head.startswith(mark):
            return _readable(head.decode(encoding, "ignore")[1:])
    if head.startswith(b"\xfe\xff"):
        return _readable(head.decode("utf-16-be", "ignore")[1:])
    even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    size = max(len(head[:4096]) // 2, 1)
    if max(even, odd) > 0.4 * size:
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        if min(even, odd) > 0.1 * size:
            encoding = "utf-32-le" if head[:1] != b"\0" else "utf-32-be"
        return _readable(head.decode(encoding, "ignore"))
    try:
        return _readable(head.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except UnicodeDecodeError as error:
        if error.start > len(head) - 4 and len(head) == SAMPLE:
            return _readable(head[: error.start].decode("utf-8", "ignore"))
        return _readable(head.decode("latin-1"))


def _readable(text: str) -> str | None:
    return text if len(_CONTROL.findall(text)) <= 0.1 * len(text) else None


def _by_text(text: str, suffix: str, declared: str, *, whole: bool) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    named = SUFFIXES.get(suffix, "")
    if _HTML.match(text[:4000]) or (_FRAGMENT.match(text[:2000]) and named in ("", "text/html", "text/plain")):
        return "application/xhtml+xml" if named == "application/xhtml+xml" else "text/html"
    if start.startswith("<?xml"):
        return named if named.endswith("xml") else "application/xml"
    if named in ("text/csv", "text/tab-separated-values", "text/markdown", "application/x-ipynb+json"):
        return named
    if _is_mail(start) and named in ("", "message/rfc822", "text/plain"):
        return "message/rfc822"
    if start[:1] in ("{", "["):
        found = _json_kind(start, whole=whole)
        if named in ("application/json", "application/jsonl"):
            return "application/jsonl" if found == "application/jsonl" else named
        if found and named in ("", "text/plain"):
            return found
    return named or _declared(declared) or _table_kind(text) or "text/plain"


def _declared(declared: str) -> str:
    """What a server or a mail says, when it is a kind of text, which the bytes have shown it to be."""
    known = {*SUFFIXES.values(), "application/x-ndjson"}
    return declared if declared in known and declared != "text/plain" else ""


def _is_mail(text: str) -> bool:
    """Header lines first, at least two of them of mail (RFC 5322)."""
    seen: set[str] = set()
    lines = text[:32_768].split("\n")
    if lines[0].startswith("From ") and "@" in lines[0]:
        lines = lines[1:]
    for line in lines:
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        match = _HEADER.match(line)
        if match is None:
            return False
        seen.add(match[1].lower())
    return len(seen & _MAIL_HEADERS) >= 2 and bool(seen & {"from", "received", "message-id", "subject"})


def _json_kind(text: str, *, whole: bool) -> str:
    import json

    lines = [line for line in text.split("\n")[:20] if line.strip()]
    try:
        if len(lines) > 1 and all(isinstance(json.loads(line), dict) for line in lines[:2]):
            return "application/jsonl"
    except (ValueError, RecursionError):
        pass
    if not whole:
        return "application/json" if re.match(r'[{\[]\s*(?:["{\[\]}]|-?\d|true|false|null)', text) else ""
    try:
        json.loads(text)
    except RecursionError:
        return "application/json"
    except ValueError:
        return ""
    return "application/json"


def _table_kind(text: str) -> str:
    """A table without a suffix: at least three lines with the same number, two or more, of one delimiter."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    if len(text) >= SAMPLE:
        lines = lines[:-1]
    if len(lines) >= 3 and max(map(len, lines)) < 2000:
        for delimiter, media_type in (("\t", "text/tab-separated-values"), (";", "text/csv"), (",", "text/csv")):
            counts = {line.count(delimiter) for line in lines}
            if len(counts) == 1 and min(counts) >= 2 and f"{delimiter} " not in lines[0]:
                return media_type
    return ""
