"""From text, piped context and files to the messages of one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.files import read_text
from opsvi_cli.sdk import Attachment, Message

from .fencing import fenced, has_fence, with_rule

MAX_ATTACHMENT = 20_000_000
_IMAGES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)
_PDF = b"%PDF-"


@dataclass(frozen=True, slots=True)
class NamedText:
    """The text of a file."""

    name: str
    text: str


def compose(text: str | None, context: str | None, files: Sequence[NamedText] = ()) -> str:
    """One text: what was typed, below it what was piped, then the files in their order.

    Piped text is fenced as `context`; when nothing was typed it is the question itself. Files are always fenced.
    """
    parts = [text.strip()] if text and text.strip() else []
    piped = context.strip("\n") if context and context.strip() else ""
    if piped:
        parts.append(fenced(piped, "context") if parts else piped)
    parts += [fenced(file.text.strip("\n"), file.name) for file in files]
    return "\n\n".join(parts)


def question_messages(body: str, system: str | None, attachments: Sequence[Attachment] = ()) -> list[Message]:
    """The messages of one question. Raises UsageError when nothing is asked."""
    if not body.strip() and not attachments:
        raise UsageError("there is nothing to ask", hint='opsvi prompt "your question", or pipe text in')
    messages = [Message("system", system.strip())] if system and system.strip() else []
    messages.append(Message("user", body, attachments=tuple(attachments)))
    return with_rule(messages) if has_fence(messages) else messages


def read_system(given: str | None, cwd: str) -> str | None:
    """Instructions as typed, or the text of a file after `@`. Raises UsageError."""
    if given is None or not given.startswith("@"):
        return given
    return read_text(Path(cwd, given[1:]), f"--system {given}", hint="@FILE reads a file; else give the text")


def image_type(data: bytes) -> str:
    """Media type of an image by its first bytes; empty for anything else."""
    for magic, offset, media_type in _IMAGES:
        if data[offset : offset + len(magic)] == magic:
            return media_type
    return ""


def attachment_type(data: bytes) -> str:
    """Media type of what models take as it is, images and PDF; empty for anything else."""
    return "application/pdf" if data.startswith(_PDF) else image_type(data)
