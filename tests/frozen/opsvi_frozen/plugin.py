"""What this plugin brings: one part of every kind, and every hook."""

from __future__ import annotations

import os
from dataclasses import replace

from opsvi_cli.sdk import Chunk, Document, Event, HealthCheck, Hit, Message, Registry, Source, hookimpl

OPSVI_API = "1.0"


def _called(hook: str, detail: str) -> None:
    if path := os.environ.get("FROZEN_CALLS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{hook} {detail}\n")


@hookimpl
def opsvi_register(registry: Registry) -> None:
    parts = "opsvi_frozen.parts"
    registry.provider("frozen", f"{parts}:Provider", help="Answers in capitals")
    registry.embedder("frozen", f"{parts}:Embedder", help="Counts letters")
    registry.processor(
        "frozen", f"{parts}:Processor", help="Reads .frozen", media_types=["text/x-frozen"], suffixes=[".frozen"]
    )
    registry.chunker("frozen", f"{parts}:Chunker", help="A passage a line")
    registry.store("frozen", "opsvi_frozen.store:Backend", help="Keeps collections in memory")
    registry.reranker("frozen", f"{parts}:Reranker", help="The shortest first")
    registry.tool("frozen", f"{parts}:Tool", help="Adds two numbers")
    registry.agent_adapter("frozen", "opsvi_frozen.agent:Adapter", help="A loop")
    registry.secret_store("frozen", f"{parts}:SecretStore", help="Knows one secret")
    registry.template("frozen", "opsvi_frozen:template", help="A library of one file")
    registry.command("frozen-say", "opsvi_frozen.command:app", help="Say a word")
    for kind in ("cache", "executor", "exporter"):
        registry.add(kind, "frozen", f"{parts}:Other", help="Of a kind without a method of its own", data={"n": 1})


@hookimpl
def opsvi_select_processor(source: Source, media_type: str) -> str | None:
    _called("opsvi_select_processor", f"{source.name} {media_type}")
    return "frozen" if source.name.endswith(".frozen") else None


@hookimpl
def opsvi_documents(documents: list[Document], source: Source) -> list[Document] | None:
    _called("opsvi_documents", source.name)
    return [replace(document, metadata={**document.metadata, "frozen": True}) for document in documents]


@hookimpl
def opsvi_chunks(chunks: list[Chunk], document: Document) -> list[Chunk] | None:
    _called("opsvi_chunks", str(len(chunks)))
    return [chunk for chunk in chunks if "drop this" not in chunk.text]


@hookimpl
def opsvi_hits(query: str, hits: list[Hit]) -> list[Hit] | None:
    _called("opsvi_hits", query)
    return None


@hookimpl
def opsvi_prompt(messages: list[Message], model: str) -> list[Message] | None:
    _called("opsvi_prompt", model)
    return [*messages[:-1], replace(messages[-1], text=f"{messages[-1].text} indeed")]


@hookimpl
def opsvi_event(event: Event) -> None:
    _called("opsvi_event", event.name)


@hookimpl(tryfirst=True)
def opsvi_health() -> list[HealthCheck] | None:
    _called("opsvi_health", "")
    return [HealthCheck(name="frozen", status="ok", detail="still frozen")]
