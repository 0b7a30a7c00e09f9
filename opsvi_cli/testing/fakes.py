"""Small parts for tests: they keep their contracts, give what they are told to, and remember what they were asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from opsvi_cli.sdk import Finish, ModelInfo, ModelRequest, StreamEvent, TextDelta, Usage, Vectors

Reply: TypeAlias = "str | Exception | Sequence[StreamEvent]"


class FakeProvider:
    """A `Provider` that gives the next of `replies` at each request, the last one again and again.

    A reply is the text of an answer, the events of one, or an exception to raise. `requests` holds what was asked.
    """

    def __init__(self, *replies: Reply, services: Any = None) -> None:
        self.replies: list[Reply] = list(replies) or ["Hello."]
        self.requests: list[ModelRequest] = []

    def capabilities(self, model: str) -> frozenset[str]:
        return frozenset({"stream", "tools", "schema", "images", "usage"})

    def models(self) -> list[ModelInfo]:
        return [ModelInfo("fake", "fake", self.capabilities("fake"))]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """The events of the next reply. A text comes word by word, or at once with `stream=False`."""
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        if isinstance(reply, Exception):
            raise reply
        if not isinstance(reply, str):
            yield from reply
            return
        words = reply.split(" ")
        pieces = [reply] if not request.stream else [f"{word} " for word in words[:-1]] + words[-1:]
        yield from (TextDelta(piece) for piece in pieces if piece)
        asked = sum(len(message.text.split()) for message in request.messages)
        yield Finish("stop", Usage(asked, len(words)))


class FakeEmbedder:
    """An `Embedder` of 8 numbers: the same text gets the same row, another text another. `texts`: what was embedded."""

    fingerprint = "fake-1-8"
    dimension = 8
    fusion_weight = 0.5

    def __init__(self, services: Any = None) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """Rows of length 1 that say nothing about meaning; zeros for an empty text."""
        import numpy as np

        self.texts.extend(texts)
        vectors: Vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            if text.strip():
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
                vectors[row] = np.frombuffer(digest[: self.dimension], dtype=np.uint8).astype(np.float32) - 127.5
                vectors[row] /= np.linalg.norm(vectors[row])
        return vectors
