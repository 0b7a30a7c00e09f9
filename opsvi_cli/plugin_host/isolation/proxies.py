"""Objects that stand for one on the other side of the pipe, each with the Protocol of the SDK that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from opsvi_cli.sdk import (
    JSON,
    AgentAdapter,
    AgentEvent,
    AgentHost,
    AgentSpec,
    Chunk,
    Chunker,
    CollectionInfo,
    Document,
    DocumentRecord,
    DocumentWrite,
    Embedder,
    Filter,
    Finding,
    Hit,
    ModelInfo,
    ModelRequest,
    Processor,
    Provider,
    Reranker,
    Scored,
    SecretStore,
    Source,
    Store,
    StoreBackend,
    StreamEvent,
    Tool,
    ToolCall,
    ToolResult,
    ToolSpec,
    Vectors,
)

if TYPE_CHECKING:
    from .peer import Peer


AHEAD = 500
"""Items of a stream that are fetched at once where nobody watches them come."""


class Remote:
    """An object of the other side. It is forgotten there when this one is gone."""

    kept: ClassVar[tuple[str, ...]] = ()
    """Attributes that never change: asked for once."""

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        return self._peer.call(self._number, method, *args, **options)

    def _stream(self, method: str, *args: Any, ahead: int = 1) -> Iterator[Any]:
        return self._peer.stream(self._number, method, *args, ahead=ahead)

    def _get(self, name: str) -> Any:
        return self._peer.get(self._number, name)

    def __getattr__(self, name: str) -> Any:
        if name not in type(self).kept:
            raise AttributeError(name)
        value = self._get(name)
        setattr(self, name, value)
        return value

    def __del__(self) -> None:
        self._peer.soon({"type": "forget", "object": self._number})


class RemoteProvider(Remote):
    def capabilities(self, model: str) -> frozenset[str]:
        return cast(frozenset[str], self._call("capabilities", model))

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        return self._stream("stream", request)

    def models(self) -> list[ModelInfo]:
        return cast(list[ModelInfo], self._call("models"))


class RemoteEmbedder(Remote):
    kept = ("fingerprint", "dimension", "fusion_weight", "remote")
    fingerprint: str
    dimension: int
    fusion_weight: float
    remote: bool

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        import numpy

        return numpy.asarray(self._call("embed", list(texts), kind), dtype=numpy.float32)


class RemoteProcessor(Remote):
    def read(self, source: Source) -> Iterable[Document | Source]:
        return self._stream("read", source)


class RemoteChunker(Remote):
    kept = ("fingerprint",)
    fingerprint: str

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        return self._stream("spans", document, ahead=AHEAD)


class RemoteReranker(Remote):
    kept = ("remote",)
    remote: bool

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        return cast(list[float], self._call("rerank", query, hits))


class RemoteTool(Remote):
    kept = ("spec", "side_effects", "taints")
    spec: ToolSpec
    side_effects: bool
    taints: bool

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        return cast(JSON, self._call("call", arguments))


class RemoteSecretStore(Remote):
    def get(self, name: str) -> str:
        return cast(str, self._call("get", name))


class RemoteAgentAdapter(Remote):
    def run(self, spec: AgentSpec, task: str, host: AgentHost) -> Iterator[AgentEvent]:
        return self._stream("run", spec, task, self._peer.offer("agent_host", host))


class RemoteAgentHost(Remote):
    def call_tool(self, call: ToolCall) -> ToolResult:
        return cast(ToolResult, self._call("call_tool", call))

    def ask_model(self, request: ModelRequest) -> Iterator[StreamEvent]:
        return self._stream("ask_model", request)


class RemoteFunction(Remote):
    def __call__(self, *args: Any) -> Any:
        return self._call("__call__", *args)


class RemoteStoreBackend(Remote):
    def open(self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False) -> Store:
        made = self._peer.offer("function", create) if create else None
        return cast(Store, self._call("open", name, made, write=write))

    def names(self) -> list[str]:
        return cast(list[str], self._call("names"))

    def delete(self, name: str) -> None:
        self._call("delete", name)

    def rename(self, name: str, new: str) -> None:
        self._call("rename", name, new)


class RemoteCollection(Remote):
    """An open collection (`sdk.Store`)."""

    kept = ("capabilities",)
    capabilities: frozenset[str]

    @property
    def info(self) -> CollectionInfo:
        return cast(CollectionInfo, self._get("info"))

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        self._call("write", batch, remove)

    def remove(self, document_ids: Sequence[str]) -> int:
        return cast(int, self._call("remove", document_ids))

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        return self._stream("documents", where, ahead=AHEAD)

    def document_text(self, document_id: str) -> str:
        return cast(str, self._call("document_text", document_id))

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        return cast(list[tuple[Chunk, DocumentRecord]], self._call("chunks", chunk_ids))

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        return cast(list[Scored], self._call("search", vector, k, where))

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        return cast(list[Scored], self._call("keyword_search", text, k, where))

    def scroll(self) -> Iterator[DocumentWrite]:
        return self._stream("scroll")

    def count(self) -> tuple[int, int]:
        return cast(tuple[int, int], self._call("count"))

    def check(self) -> list[Finding]:
        return cast(list[Finding], self._call("check"))

    def close(self) -> None:
        self._call("close")


Proxies = Mapping[str, Callable[["Peer", int], Any]]

_PROVIDER: type[Provider] = RemoteProvider
_EMBEDDER: type[Embedder] = RemoteEmbedder
_PROCESSOR: type[Processor] = RemoteProcessor
_CHUNKER: type[Chunker] = RemoteChunker
_RERANKER: type[Reranker] = RemoteReranker
_TOOL: type[Tool] = RemoteTool
_SECRET_STORE: type[SecretStore] = RemoteSecretStore
_AGENT_ADAPTER: type[AgentAdapter] = RemoteAgentAdapter
_STORE: type[StoreBackend] = RemoteStoreBackend
_COLLECTION: type[Store] = RemoteCollection
_AGENT_HOST: type[AgentHost] = RemoteAgentHost

PARTS: Proxies = {
    "provider": RemoteProvider,
    "embedder": RemoteEmbedder,
    "processor": RemoteProcessor,
    "chunker": RemoteChunker,
    "reranker": RemoteReranker,
    "tool": RemoteTool,
    "secret_store": RemoteSecretStore,
    "agent_adapter": RemoteAgentAdapter,
    "store": RemoteStoreBackend,
    "collection": RemoteCollection,
}
"""In opsvi: what stands for the parts of a plugin."""
