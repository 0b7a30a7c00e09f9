"""The parts in the base wheel, registered through the same hook as everyone else's."""

from __future__ import annotations

from collections.abc import Mapping

from opsvi_cli.sdk import Kind, Registry, hookimpl

from .openai_presets import COMPATIBLE, PRESETS

OPSVI_API = "1.0"
_HERE = "opsvi_cli.builtin"
PRESET_TARGETS: Mapping[Kind, str] = {
    "provider": f"{_HERE}.openai_provider:OpenAI",
    "embedder": f"{_HERE}.openai_embedder:OpenAIEmbedder",
    "reranker": f"{_HERE}.openai_reranker:OpenAIReranker",
}
"""What speaks to every server with OpenAI's API, also to one that a user gave a name."""


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name every built-in part; nothing is imported."""
    for name, preset in PRESETS.items():
        if name != COMPATIBLE:
            registry.provider(name, PRESET_TARGETS["provider"], help=preset.title)
            if preset.embeddings:
                registry.embedder(name, PRESET_TARGETS["embedder"], help=f"Embedding models: {preset.title}")
            if preset.reranking:
                registry.reranker(name, PRESET_TARGETS["reranker"], help=f"Rerankers: {preset.title}")
    registry.provider("echo", f"{_HERE}.echo_provider:Echo", help="Repeats what it is sent; for tests and scripts")
    registry.embedder("wordllama", f"{_HERE}.wordllama_embedder:WordLlama", help="Static word vectors, 256 numbers")
    registry.embedder("hash", f"{_HERE}.hash_embedder:HashEmbedder", help="Hashed words; for tests")
    for name in ("recursive", "markdown", "paragraph", "sentence", "fixed"):
        registry.chunker(name, f"{_HERE}.chunkers:{name.capitalize()}", help=_CHUNKERS[name])
    registry.store("local", f"{_HERE}.store_local.backend:LocalBackend", help="SQLite files on this machine")
    registry.store("memory", f"{_HERE}.store_memory:MemoryBackend", help="Nothing is kept after the command")
    registry.tool("calculator", f"{_HERE}.tools.calculator:calculator", help="Arithmetic")
    registry.tool("date", f"{_HERE}.tools.dates:date", help="The time, and how days are counted")
    registry.tool("read_file", f"{_HERE}.tools.files:read_file", help="Text files below one folder (tools.root)")
    registry.tool("http_get", f"{_HERE}.tools.web:http_get", help="A page at a public address; asks first")
    for name, target, types, suffixes in _PROCESSORS:
        registry.processor(
            name, f"{_HERE}.processors.{target}", help=f"Reads {name}", media_types=types, suffixes=suffixes
        )


_CHUNKERS = {
    "recursive": "Headings, paragraphs, sentences, words: the largest that fits",
    "markdown": "One chunk a section, split only when too long",
    "paragraph": "Whole paragraphs",
    "sentence": "Whole sentences",
    "fixed": "A fixed number of characters",
}

_PROCESSORS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("text", "text:Text", ("text/plain",), (".txt", ".log", ".rst", ".text")),
    ("markdown", "markdown:Markdown", ("text/markdown",), (".md", ".markdown")),
    ("html", "html:Html", ("text/html", "application/xhtml+xml"), (".html", ".htm", ".xhtml")),
    ("pdf", "pdf:Pdf", ("application/pdf",), (".pdf",)),
    (
        "docx",
        "docx:Docx",
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
        (".docx", ".docm", ".dotx"),
    ),
    ("csv", "csv:Csv", ("text/csv", "text/tab-separated-values"), (".csv", ".tsv")),
    ("json", "json:Json", ("application/json",), (".json",)),
    ("jsonl", "json:JsonLines", ("application/jsonl", "application/x-ndjson"), (".jsonl", ".ndjson")),
    ("email", "email:Email", ("message/rfc822",), (".eml",)),
)
