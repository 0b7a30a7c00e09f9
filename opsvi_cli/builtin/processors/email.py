"""Mail (RFC 5322, MIME): headers and body as one document, attachments as sources of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

from .decoding import decode, decode_declared, plain_lines
from .html import read_fragment

MAX_HEADER = 32_000
MAX_ADDRESSES = 500
MAX_DEPTH = 30
MAX_ATTACHMENTS = 1000
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff<>:\"|?*]")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,400}>")


class Email:
    """Reads one message.

    Headers are parsed with the lazy policy and decoded here: the library's structured parser needs gigabytes for some
    headers of a megabyte and runs out of stack on others.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document | Source]:
        """Yields the message, then its attachments as sources. Raises DocumentError when there is no message in it."""
        data, recoded = _as_bytes(source.data)
        message, warnings = _parse(data, source.name)
        body = _Body(recoded=recoded, warnings=warnings)
        body.walk(message)
        if not message.keys() and not body.text.strip():
            raise DocumentError(f"{source.name} holds no mail", hint="a mail begins with lines such as `From: ...`")
        names = _unique([name for name, _, _ in body.attachments])
        metadata = _metadata(message, names)
        subject = str(metadata.get("subject", ""))
        head = _head(metadata)
        yield Document(
            f"{head}\n\n{body.text}".strip() if body.text else head,
            title=subject,
            media_type="message/rfc822",
            metadata=metadata,
            warnings=tuple(body.warnings),
        )
        context: dict[str, JSON] = {"attached_to": subject or source.name}
        for name, (_, media_type, payload) in zip(names, body.attachments, strict=True):
            uri = f"{source.uri}!attachment:{name}"
            yield Source(uri, name, payload, declared=media_type, password=source.password, metadata=context)


@dataclass
class _Body:
    recoded: bool
    warnings: list[str]
    pieces: list[str] = field(default_factory=list)
    attachments: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n\n".join(piece for piece in self.pieces if piece)

    def walk(self, part: Message, depth: int = 0) -> None:
        """Take the texts of a message in order, and collect what is attached."""
        if depth > MAX_DEPTH:
            self._warn(f"parts nested more than {MAX_DEPTH} deep were left out")
            return
        kind = part.get_content_type()
        name = _filename(part)
        attached = bool(name) or part.get_content_disposition() == "attachment"
        if kind == "message/rfc822" and part.is_multipart():
            for message in _children(part):
                title = name or f"{header(message, 'Subject')[:80] or 'message'}.eml"
                data = _flat(message)
                if data:
                    self._attach(title, kind, data)
                else:
                    self._warn(f"the attached message {title!r} is nested too deeply and was left out")
        elif part.is_multipart():
            children = _children(part)
            if kind == "multipart/alternative":
                children = self._best(children)
            for child in children:
                self.walk(child, depth + 1)
        elif kind in ("text/plain", "text/html") and not attached:
            self.pieces.append(self._text(part, kind))
        elif kind == "multipart/mixed" or (part.get_content_maintype() == "multipart" and not attached):
            self.pieces.append(self._text(part, "text/plain"))  # a multipart without its boundary
        elif not (kind.startswith("image/") and part.get("Content-ID") and not name):
            self._attach(name, kind, self._payload(part))

    def _best(self, children: list[Message]) -> list[Message]:
        """Of alternatives the plain text, unless it is empty; calendars and the like stay attachments."""
        for wanted in ("text/plain", "text/html"):
            for child in children:
                if child.get_content_type() == wanted and self._text(child, wanted).strip():
                    return [child, *(c for c in children if not _is_text(c) and not c.is_multipart())]
        return children[-1:] if children and children[-1].is_multipart() else children

    def _payload(self, part: Message) -> bytes:
        try:
            payload = part.get_payload(decode=True)
        except (ValueError, LookupError, AssertionError):
            payload = None
        if isinstance(payload, bytes):
            return payload
        return str(part.get_payload() or "").encode("utf-8", "surrogateescape")

    def _text(self, part: Message, kind: str) -> str:
        data = self._payload(part)
        charset = "" if self.recoded else str(part.get_content_charset() or "")
        if kind == "text/html":
            return read_fragment(data, charset)
        text = plain_lines(decode_declared(data, charset).text)
        return "\n".join(line.rstrip() for line in text.split("\n")).strip()

    def _attach(self, name: str, kind: str, data: bytes) -> None:
        if len(self.attachments) >= MAX_ATTACHMENTS:
            self._warn(f"more than {MAX_ATTACHMENTS} attachments: the others were left out")
            return
        self.attachments.append((_safe_name(name, kind, len(self.attachments) + 1), kind, data))

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _is_text(part: Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html")


def _as_bytes(data: bytes) -> tuple[bytes, bool]:
    """The message in an encoding that contains ASCII; True when it was UTF-16 and its own charsets are history."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data[:64] or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        decoded = decode(data)
        if decoded.encoding.startswith("utf-"):
            return decoded.text.encode("utf-8", "replace"), True
    return data, False


def _parse(data: bytes, name: str) -> tuple[Message, list[str]]:
    data = data.lstrip(b"\r\n")
    try:
        return message_from_bytes(data, policy=compat32), []
    except RecursionError:
        message = BytesHeaderParser(policy=compat32).parsebytes(data)
        return message, ["its parts are nested too deeply: read as one text"]
    except (MessageError, ValueError, LookupError) as error:
        raise DocumentError(f"{name} cannot be read as mail: {error}", hint="save the message again") from error


def _flat(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (RecursionError, ValueError, LookupError, UnicodeError, TypeError, AttributeError):
        return b""


def header(message: Message, name: str) -> str:
    """One header, decoded (RFC 2047) and on one line; at most `MAX_HEADER` characters of it are looked at."""
    value = message.get(name)
    if value is None:
        return ""
    raw = str(value) if isinstance(value, str) else _from_bytes_header(value)
    raw = raw[:MAX_HEADER]
    if "\udc80" <= max(raw, default="") <= "\udcff":
        raw = decode(raw.encode("utf-8", "surrogateescape")).text
    try:
        text = str(make_header(decode_header(raw))) if "=?" in raw else raw
    except (MessageError, ValueError, LookupError, RecursionError):
        text = raw
    return " ".join(text.split())


def _from_bytes_header(value: object) -> str:
    """compat32 wraps headers with bytes above 127 in a Header that calls them `unknown-8bit`."""
    chunks = getattr(value, "_chunks", None)
    if not chunks:
        return str(value)
    return "".join(text for text, _charset in chunks)


def _addresses(message: Message, name: str) -> list[JSON]:
    try:
        raw = message.get_all(name, [])
        pairs = getaddresses([header(message, name) if len(raw) == 1 else str(value)[:MAX_HEADER] for value in raw])
    except (RecursionError, ValueError, IndexError):
        return [header(message, name)[:200]]
    shown: list[JSON] = [f"{who} <{address}>" if who else address for who, address in pairs if address or who]
    return shown[:MAX_ADDRESSES] or ([header(message, name)] if header(message, name) else [])


def _metadata(message: Message, attachments: Sequence[str]) -> dict[str, JSON]:
    found: dict[str, JSON] = {"subject": header(message, "Subject")}
    senders = _addresses(message, "From")
    found["from"] = senders[0] if senders else ""
    for name in ("to", "cc"):
        found[name] = _addresses(message, name)
    if date := _date(header(message, "Date")):
        found["date"] = date
    own = _MESSAGE_ID.search(header(message, "Message-ID"))
    references = _MESSAGE_ID.findall(header(message, "References"))
    replied = _MESSAGE_ID.findall(header(message, "In-Reply-To"))
    if own:
        found["message_id"] = own[0]
    if thread := [*references, *replied, *([own[0]] if own else [])]:
        found["thread"] = thread[0]
    found["attachments"] = list(attachments)
    return {key: value for key, value in found.items() if value not in ("", [])}


def _date(text: str) -> str:
    try:
        return parsedate_to_datetime(text).isoformat() if text else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _head(metadata: dict[str, JSON]) -> str:
    lines = []
    for name in ("from", "to", "cc", "date", "subject"):
        value = metadata.get(name)
        if value:
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
            lines.append(f"{name.capitalize()}: {shown}")
    return "\n".join(lines)


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
        return str(make_header(decode_header(name[:1000]))) if "=?" in name else name[:1000]
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""


def _safe_name(name: str, media_type: str, number: int) -> str:
    """The last component of a name, without what could act as a path, a device or a disguise."""
    base = _UNSAFE.sub("", re.split(r"[\\/]", name)[-1]).strip(" .")
    if len(base) > 120:
        stem, dot, suffix = base.rpartition(".")
        base = f"{stem[: 119 - len(suffix)]}.{suffix}" if dot and len(suffix) < 12 else base[:120]
    if base:
        return base
    from mimetypes import guess_extension

    return f"attachment-{number}{guess_extension(media_type) or '.bin'}"


def _unique(names: Sequence[str]) -> list[str]:
    """Each name once: `report.pdf`, `report (2).pdf`."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        count = seen[name] = seen.get(name, 0) + 1
        stem, dot, suffix = name.rpartition(".")
        found.append(name if count == 1 else f"{stem} ({count}).{suffix}" if dot else f"{name} ({count})")
    return found
