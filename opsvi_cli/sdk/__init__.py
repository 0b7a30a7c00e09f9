"""The public plugin API. Everything a plugin may import is named here; the rest of opsvi may change freely.

Versioned by `API`: a new major breaks plugins, a new minor only adds. A plugin states the version it was written for
as `OPSVI_API = "1.0"` in the module its entry point names.
"""

from opsvi_cli.errors import (
    BudgetError,
    CredentialsError,
    DeadlineError,
    DocumentError,
    ExitCode,
    NetworkError,
    NotFoundError,
    OpsviError,
    PartialError,
    PluginError,
    ProviderError,
    StoreError,
    UnsupportedAnswerError,
    UsageError,
)

from .agents import AgentAdapter, AgentEvent, AgentFinish, AgentHost, AgentMessage, AgentSpec, ToolResult
from .batches import BatchItem, BatchProvider, BatchResult, BatchStatus, TokenCounter, batch_result
from .chat_completions import CallPieces, chat_events, chat_finish, chat_messages, chat_tools, chat_usage
from .commands import CommandContext
from .connections import Connection, connection, is_private
from .documents import JSON, Chunk, Document, Hit, Metadata, Page, Section, Source
from .events import Event, HealthCheck
from .filters import OPERATORS, And, Compare, Filter, Not, Operator, Or, matches
from .functions import FunctionTool, ToolFunction, tool
from .hooks import Hooks, hookimpl, hookspec
from .messages import (
    Answer,
    Attachment,
    Citation,
    Finish,
    Message,
    ModelInfo,
    ModelRequest,
    ReasoningDelta,
    Role,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)
from .parts import Chunker, Embedder, Processor, Provider, Reranker, SecretStore, Services, Tool
from .registry import KINDS, Kind, Part, Registry
from .retry_after import retry_after
from .scores import checked_scores, rerank_in_batches
from .servers import Server, errors_translated
from .stores import (
    CollectionInfo,
    DocumentRecord,
    DocumentWrite,
    Finding,
    Scored,
    Store,
    StoreBackend,
    Vectors,
)
from .vectors import checked_vectors, embed_in_batches

API = (1, 0)

__all__ = [
    "API",
    "JSON",
    "KINDS",
    "OPERATORS",
    "AgentAdapter",
    "AgentEvent",
    "AgentFinish",
    "AgentHost",
    "AgentMessage",
    "AgentSpec",
    "And",
    "Answer",
    "Attachment",
    "BatchItem",
    "BatchProvider",
    "BatchResult",
    "BatchStatus",
    "BudgetError",
    "CallPieces",
    "Chunk",
    "Chunker",
    "Citation",
    "CollectionInfo",
    "CommandContext",
    "Compare",
    "Connection",
    "CredentialsError",
    "DeadlineError",
    "Document",
    "DocumentError",
    "DocumentRecord",
    "DocumentWrite",
    "Embedder",
    "Event",
    "ExitCode",
    "Filter",
    "Finding",
    "Finish",
    "FunctionTool",
    "HealthCheck",
    "Hit",
    "Hooks",
    "Kind",
    "Message",
    "Metadata",
    "ModelInfo",
    "ModelRequest",
    "NetworkError",
    "Not",
    "NotFoundError",
    "Operator",
    "OpsviError",
    "Or",
    "Page",
    "Part",
    "PartialError",
    "PluginError",
    "Processor",
    "Provider",
    "ProviderError",
    "ReasoningDelta",
    "Registry",
    "Reranker",
    "Role",
    "Scored",
    "SecretStore",
    "Section",
    "Server",
    "Services",
    "Source",
    "Store",
    "StoreBackend",
    "StoreError",
    "StreamEvent",
    "TextDelta",
    "TokenCounter",
    "Tool",
    "ToolCall",
    "ToolFunction",
    "ToolResult",
    "ToolSpec",
    "UnsupportedAnswerError",
    "Usage",
    "UsageError",
    "Vectors",
    "batch_result",
    "chat_events",
    "chat_finish",
    "chat_messages",
    "chat_tools",
    "chat_usage",
    "checked_scores",
    "checked_vectors",
    "connection",
    "embed_in_batches",
    "errors_translated",
    "hookimpl",
    "hookspec",
    "is_private",
    "matches",
    "rerank_in_batches",
    "retry_after",
    "tool",
]
