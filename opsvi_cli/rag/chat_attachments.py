"""`/attach`: an image goes with the next message as it is, any other file or URL as the text of its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.llm.prompting import MAX_ATTACHMENT, image_type
from opsvi_cli.sdk import Attachment

from .extractor import Extractor
from .sources import load_one

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def load_attachment(app: AppContext, given: str) -> Attachment:
    """A file or URL for a message. Raises OpsviError when there is nothing in it that a model could read."""
    source = load_one(app, given)
    if len(source.data) > MAX_ATTACHMENT:
        raise DocumentError(f"{given}: larger than {MAX_ATTACHMENT} bytes", hint="attach a part of it")
    if media_type := image_type(source.data):
        return Attachment(source.name, media_type, source.data)
    with Extractor(app) as extractor:
        documents = extractor.read(source)
    if isinstance(documents, OpsviError):
        raise documents
    text = "\n\n".join(document.text.strip("\n") for document in documents if document.text.strip())
    if not text:
        raise DocumentError(f"{given}: there is no text in it", hint=f"opsvi extract {given} shows what was found")
    return Attachment(source.name, "text/markdown", text.encode("utf-8", "replace"))
