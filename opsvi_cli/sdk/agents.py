"""What an agent is and what happens while it runs, whichever framework runs it.

opsvi keeps tools, models and limits on its own side: an adapter asks for them through `AgentHost`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from .documents import JSON
from .messages import ModelRequest, ReasoningDelta, StreamEvent, TextDelta, ToolCall, ToolSpec, Usage


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent. `model` is `provider/model`; `options` are the framework's own."""

    name: str
    instructions: str
    model: str
    tools: tuple[ToolSpec, ...] = ()
    max_steps: int = 10
    """Model calls at most."""
    options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, as the model reads it; `is_error`: it failed, and `text` says how."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """A whole answer of an agent."""

    agent: str
    text: str


@dataclass(frozen=True, slots=True)
class AgentFinish:
    """The last event of a run. `max_steps`: it was stopped before it had an answer."""

    reason: Literal["answer", "max_steps"]


AgentEvent: TypeAlias = TextDelta | ReasoningDelta | ToolCall | ToolResult | AgentMessage | Usage | AgentFinish


class AgentHost(Protocol):
    """opsvi's side of a run: every tool call and every model call of an adapter goes through it."""

    def call_tool(self, call: ToolCall) -> ToolResult:
        """Check the arguments, ask for permission where needed, run the tool. Never raises for a tool's failure."""

    def ask_model(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """The model of the spec, with opsvi's retries, limits and budget. Raises ProviderError, CredentialsError."""


class AgentAdapter(Protocol):
    """Runs an agent on one framework."""

    def run(self, spec: AgentSpec, task: str, host: AgentHost) -> Iterator[AgentEvent]:
        """Events of one run, the last one `AgentFinish`. Each tool call gives a `ToolCall` and its `ToolResult`.

        Raises ProviderError, CredentialsError. Closing the iterator cancels the run.
        """
