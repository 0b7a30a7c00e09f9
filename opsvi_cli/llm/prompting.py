"""`opsvi prompt`: instructions, text, piped context and attached files become messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import Attachment, Message

MAX_ATTACHMENT = 20_000_000
_IMAGES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)


def prompt_messages(
    text: str | None, context: str | None, system: str | None, attachments: Sequence[Attachment] = ()
) -> list[Message]:
    """Messages of one question. Piped text is context below the text, or the text itself when there is no other.

    Attached text files are fenced context too; only images stay attachments. Raises UsageError when nothing is asked.
    """
    parts = [text.strip()] if text and text.strip() else []
    piped = context.strip("\n") if context and context.strip() else ""
    if piped:
        parts.append(fenced(piped, "context") if parts else piped)
    images = []
    for attachment in attachments:
        if attachment.media_type.startswith("image/"):
            images.append(attachment)
        else:
            parts.append(fenced(attachment.data.decode("utf-8", "replace").strip("\n"), attachment.name))
    if not parts and not images:
        raise UsageError("there is nothing to ask", hint='opsvi prompt "your question", or pipe text in')
    messages = [Message("system", system)] if system and system.strip() else []
    return [*messages, Message("user", "\n\n".join(parts), attachments=tuple(images))]


def fenced(text: str, name: str) -> str:
    """Text between lines of backticks, more of them than the text holds in a row, so that it cannot end the fence."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    label = "".join(c for c in name if c.isprintable() and c != "`")
    return f"{label}:\n{fence}\n{text}\n{fence}"


def load_attachment(given: str, cwd: str) -> Attachment:
    """An image or text file. Raises UsageError for anything else."""
    path = Path(cwd, given)
    try:
        if path.stat().st_size > MAX_ATTACHMENT:
            raise UsageError(f"--attach {given}: larger than {MAX_ATTACHMENT} bytes", hint="attach a part of it")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--attach {given}: {error.strerror}", hint="check the path") from error
    if media_type := image_type(data):
        return Attachment(path.name, media_type, data)
    try:
        if b"\0" in data:
            raise UnicodeError
        data.decode("utf-8-sig")
    except UnicodeError:
        raise UsageError(
            f"--attach {given}: neither an image nor UTF-8 text",
            hint=f"opsvi extract {given} | opsvi prompt ...",
        ) from None
    return Attachment(path.name, "text/plain", data.removeprefix(b"\xef\xbb\xbf"))


def image_type(data: bytes) -> str:
    """Media type of an image by its first bytes; empty for anything else."""
    for magic, offset, media_type in _IMAGES:
        if data[offset : offset + len(magic)] == magic:
            return media_type
    return ""
