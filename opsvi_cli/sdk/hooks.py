"""The hooks a plugin may implement. Arguments are only ever added; a plugin names those it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from .documents import Chunk, Document, Hit, Source
from .events import Event, HealthCheck
from .messages import Message

if TYPE_CHECKING:
    from .registry import Registry

PROJECT = "opsvi"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """One method a hook."""

    @hookspec(historic=True)
    def opsvi_register(self, registry: Registry) -> None:
        """Register parts as import strings. Called once, for every plugin, before anything else.

        :param registry: where parts are named; it imports nothing.
        """

    @hookspec(firstresult=True)
    def opsvi_select_processor(self, source: Source, media_type: str) -> str | None:
        """Choose the processor for a source; None leaves the choice to the others.

        :param source: the input with its bytes.
        :param media_type: what sniffing found.
        """

    @hookspec
    def opsvi_documents(self, documents: list[Document], source: Source) -> list[Document] | None:
        """Change documents after extraction; None leaves them. Called one plugin after the other.

        :param documents: what the processor made.
        :param source: where they come from.
        """

    @hookspec
    def opsvi_chunks(self, chunks: list[Chunk], document: Document) -> list[Chunk] | None:
        """Change or drop chunks before they are embedded; None leaves them. Chained.

        :param chunks: the document's chunks, in order; `text` must stay the text at its offsets.
        :param document: the document they were cut from.
        """

    @hookspec
    def opsvi_hits(self, query: str, hits: list[Hit]) -> list[Hit] | None:
        """Reorder or drop hits before they are shown; None leaves them. Chained.

        :param query: the user's words.
        :param hits: best first.
        """

    @hookspec
    def opsvi_prompt(self, messages: list[Message], model: str) -> list[Message] | None:
        """Change the messages before they go to a model; None leaves them. Chained.

        :param messages: the conversation.
        :param model: `provider/model`.
        """

    @hookspec
    def opsvi_event(self, event: Event) -> None:
        """See what happened: a call, an ingest, an error. Must be quick; what it raises is only logged.

        :param event: redacted.
        """

    @hookspec
    def opsvi_health(self) -> list[HealthCheck] | None:
        """Checks that `opsvi doctor` runs; None is the same as no checks."""
