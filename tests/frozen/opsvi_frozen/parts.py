"""The small parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from opsvi_cli.sdk import (
    JSON,
    CredentialsError,
    Document,
    DocumentError,
    Finish,
    Hit,
    ModelInfo,
    ModelRequest,
    Page,
    ProviderError,
    Section,
    Services,
    Source,
    StreamEvent,
    TextDelta,
    ToolSpec,
    Usage,
    Vectors,
)


class Provider:
    def __init__(self, services: Services) -> None:
        self.name = services.name

    def capabilities(self, model: str) -> frozenset[str]:
        return frozenset({"stream", "usage"})

    def models(self) -> list[ModelInfo]:
        return [ModelInfo(id="capitals", provider=self.name, capabilities=frozenset({"stream"}), context_window=1000)]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        if request.model != "capitals":
            raise ProviderError(f"there is no model {request.model}", kind="not-found", hint="frozen/capitals")
        words = request.messages[-1].text.upper().split()
        for word in words:
            yield TextDelta(f"{word} ")
        yield Finish("stop", Usage(input_tokens=len(words), output_tokens=len(words)))


class Embedder:
    fingerprint = "frozen-1"
    dimension = 26
    fusion_weight = 0.4

    def __init__(self, services: Services) -> None:
        services.log.debug("building %s", services.name)

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        import numpy as np

        vectors: Any = np.zeros((len(texts), 26), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, ord(letter) % 26] += 1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors


class Processor:
    def __init__(self, services: Services) -> None:
        self.services = services

    def read(self, source: Source) -> Iterator[Document | Source]:
        if not source.data.startswith(b"FROZEN\n"):
            raise DocumentError(f"{source.name} is not frozen", hint="its first line must be FROZEN")
        text = source.data.decode("utf-8", errors="replace").partition("\n")[2]
        yield Document(
            text=text,
            title="Frozen",
            media_type="text/x-frozen",
            metadata={"length": len(text)},
            pages=(Page(number=1, start=0, end=len(text)),),
            sections=(Section(path=("Frozen",), level=1, start=0, end=len(text)),),
        )


class Chunker:
    fingerprint = "frozen-lines-1"

    def __init__(self, services: Services) -> None:
        self.least = int(str(services.options.get("least", 1)))

    def spans(self, document: Document) -> Iterator[tuple[int, int]]:
        start = 0
        for line in document.text.split("\n"):
            if line.strip() and len(line) >= self.least:
                yield start, start + len(line)
            start += len(line) + 1


class Reranker:
    def __init__(self, services: Services) -> None:
        self.services = services

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        return [1.0 / (1 + len(hit.text)) for hit in hits]


class Tool:
    side_effects = False

    def __init__(self, services: Services) -> None:
        self.spec = ToolSpec(
            name="add",
            description="Adds two numbers.",
            parameters={
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "required": ["a", "b"],
                "examples": [{"a": 1, "b": 2}],
            },
        )

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        a, b = arguments["a"], arguments["b"]
        if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
            raise TypeError("a and b must be numbers")
        return {"sum": a + b}


class SecretStore:
    def __init__(self, services: Services) -> None:
        self.services = services

    def get(self, name: str) -> str:
        if name != "db":
            raise CredentialsError("frozen knows no such secret", hint="frozen:db")
        return "hunter2-frozen"


class Other:
    def __init__(self, services: Services) -> None:
        self.name = services.name
