"""The Protocols that parts implement. A part is built with one argument: the `Services` it is handed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .documents import JSON, Document, Hit, Source
from .messages import ModelInfo, ModelRequest, StreamEvent, ToolSpec
from .stores import Vectors

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    import httpx2

    from .registry import Kind


class Services(Protocol):
    """What opsvi does for a part. Everything is built on first use."""

    name: str
    """The name under which the part was registered."""
    options: Mapping[str, JSON]
    """The part's own section of the settings, flags of this run included."""
    log: logging.Logger
    """Goes to stderr, redacted."""
    data_dir: Path
    cache_dir: Path

    def secret(self, reference: str) -> str:
        """Resolve `env:NAME`, `file:PATH`, `cmd:...` or a stored name. Raises CredentialsError."""

    def http(self, *, allow_private: bool = False, timeout: float | None = None) -> httpx2.Client:
        """The guarded client: no private addresses unless allowed, size caps, the run's deadline (seconds)."""

    def remaining(self) -> float | None:
        """Seconds until the run's deadline; None when there is none."""

    def part(self, kind: Kind, name: str, options: Mapping[str, JSON]) -> Any:
        """Another part to build on, with these options and none of the user's for it; it speaks under this part's name.

        A provider of a server that speaks OpenAI's API: `services.part("provider", "openai", {"base_url": ...})`.
        Raises UsageError for a part that is not there, PluginError for one that is broken.
        """


class Provider(Protocol):
    """A family of chat models behind one API.

    One that asks no server may say `remote = False`: it is not limited. One whose calls cost nothing may say
    `free = True`. With `check()` one tells `opsvi doctor` by UsageError or CredentialsError what it misses; it asks no
    server for that.
    """

    def capabilities(self, model: str) -> frozenset[str]:
        """Of `stream`, `tools`, `schema`, `images`, `files` (PDF and the like), `usage`, `reasoning`.

        What is missing is said before any request is made, so this must not ask the server.
        """

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer, the last one `Finish`. Raises ProviderError, CredentialsError.

        Must not retry by itself; closing the iterator cancels the request.
        """

    def models(self) -> list[ModelInfo]: ...


class Embedder(Protocol):
    """Texts to vectors. One that asks a server says `remote = True`: its calls are retried and limited."""

    fingerprint: str
    """Changes whenever the same text would get another vector."""
    dimension: int
    fusion_weight: float
    """How far to trust the dense score against BM25 in the convex fusion, 0..1."""

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """float32, shape (len(texts), dimension), rows L2-normalised (a text without any token: zeros)."""


class Processor(Protocol):
    """Reads one family of formats. Raises DocumentError with a hint; must not touch network or disk."""

    def read(self, source: Source) -> Iterable[Document | Source]:
        """Yields documents, and the members of a container (attachments) as sources, `uri` being `PARENT!MEMBER`:
        opsvi reads those with the processors of their own types.
        """


class Chunker(Protocol):
    fingerprint: str

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        """(start, end) character offsets in ascending order; neighbours may overlap; blank spans are left out."""


class Reranker(Protocol):
    """New scores for hits. One that asks a server says `remote = True`: its calls are retried and limited."""

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """A score for each hit, in order; higher is better."""


class Tool(Protocol):
    """A function that a model may call.

    One whose results hold no text of others (a sum, the time) says `taints = False`: after any other result, opsvi asks
    before every call with side effects.
    """

    spec: ToolSpec
    side_effects: bool
    """True when a call changes, sends or spends something: opsvi asks before it."""

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        """Run with arguments that satisfy `spec.parameters`. What it raises goes to the model as text."""


class SecretStore(Protocol):
    """Resolves what stands after its scheme: the part `vault` is asked for `NAME` of `vault:NAME`."""

    def get(self, name: str) -> str:
        """The secret. Raises CredentialsError, which never repeats one."""
