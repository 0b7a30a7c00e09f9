"""What an object on the other side of the pipe can be asked: a closed list for each kind, on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Surface:
    """`calls` return a value, `streams` an iterator. `values` are attributes with what stands for a missing one."""

    calls: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    """Calls whose result stays where it is: the surface of that result."""


REQUIRED = object()
"""In `values`: there is nothing that stands for it."""

SURFACES: Mapping[str, Surface] = {
    # Parts of a plugin, in the child.
    "provider": Surface(calls=("capabilities", "models"), streams=("stream",)),
    "embedder": Surface(
        calls=("embed",),
        values={"fingerprint": REQUIRED, "dimension": REQUIRED, "fusion_weight": REQUIRED, "remote": False},
    ),
    "processor": Surface(streams=("read",)),
    "chunker": Surface(streams=("spans",), values={"fingerprint": REQUIRED}),
    "reranker": Surface(calls=("rerank",), values={"remote": False}),
    "tool": Surface(calls=("call",), values={"spec": REQUIRED, "side_effects": REQUIRED, "taints": True}),
    "secret_store": Surface(calls=("get",)),
    "agent_adapter": Surface(streams=("run",)),
    "store": Surface(calls=("open", "names", "delete", "rename"), gives={"open": "collection"}),
    "collection": Surface(
        calls=(
            *("write", "remove", "document_text", "chunks", "search"),
            *("keyword_search", "count", "check", "close"),
        ),
        streams=("documents", "scroll"),
        values={"capabilities": REQUIRED, "info": REQUIRED},
    ),
    # The child itself.
    "plugin": Surface(calls=("describe", "make")),
    # What opsvi hands to parts, in its own process.
    "services": Surface(calls=("secret", "remaining", "log", "http"), gives={"http": "http"}),
    "http": Surface(calls=("send",), values={"defaults": REQUIRED}),
    "http_body": Surface(streams=("pieces",), calls=("close",)),
    "agent_host": Surface(calls=("call_tool",), streams=("ask_model",)),
    "function": Surface(calls=("__call__",)),
}
PART_KINDS = (
    *("provider", "embedder", "processor", "chunker", "reranker"),
    *("tool", "secret_store", "agent_adapter", "store"),
)
"""The kinds of parts that can be used from another process."""
