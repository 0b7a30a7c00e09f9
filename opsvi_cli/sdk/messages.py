"""What goes to a model and what comes back, whoever the vendor is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .documents import JSON, Hit

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message, e.g. an image or a PDF."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it: unchecked."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that a model may call. `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `model` is the provider's own name for it, without the provider's prefix."""

    model: str
    messages: Sequence[Message]
    stream: bool = True
    temperature: float | None = None
    max_tokens: int | None = None
    schema: Mapping[str, JSON] | None = None
    """JSON Schema that the answer must satisfy."""
    tools: Sequence[ToolSpec] = ()
    options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; None where it said nothing.

    `cached_tokens` are those of the input that the server had in its cache, `reasoning_tokens` those of the output that
    were thought and not said: both are included in the numbers above them.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of a complete answer."""

    reason: Literal["stop", "length", "filter", "refusal", "tool_calls"]
    usage: Usage = Usage()
    tool_calls: tuple[ToolCall, ...] = ()


StreamEvent: TypeAlias = TextDelta | ReasoningDelta | Finish


@dataclass(frozen=True, slots=True)
class Citation:
    """A `[n]` of an answer: `quote` is text that stands in the source, word for word."""

    n: int
    source: str
    page: int | None
    quote: str
    supported: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """`model` is None for an extractive answer; `supported` is False when a sentence has no support."""

    answer: str
    supported: bool
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    model: str | None
    usage: Usage
    unsupported: tuple[str, ...] = ()
    """The sentences that no cited source supports."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    id: str
    provider: str
    capabilities: frozenset[str] = frozenset()
    context_window: int | None = None
