"""Tool `search`: passages of collections, for a model; and the toolbox with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError
from opsvi_cli.llm.tools.toolbox import Toolbox
from opsvi_cli.llm.tools.toolbox import open_toolbox as open_with
from opsvi_cli.sdk import JSON, Tool, ToolCall, ToolResult, ToolSpec

from .search import SearchOptions, search

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_MOST = 20


class SearchTool:
    """Finds passages. What comes back was written by others: it taints."""

    side_effects = False
    spec = ToolSpec(
        "search",
        "Finds passages in a collection of the user's documents, best first, with their source.",
        {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "what to look for", "minLength": 1},
                "collection": {
                    "type": "string",
                    "description": "name of the collection; the default one when left out",
                },
                "k": {"type": "integer", "minimum": 1, "maximum": _MOST, "default": 5},
            },
            "required": ["text"],
            "additionalProperties": False,
        },
    )

    def __init__(self, app: AppContext) -> None:
        self._app = app

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        """Raises UsageError for arguments that do not fit, NotFoundError for a collection that is not there."""
        text, collection, k = arguments.get("text"), arguments.get("collection"), arguments.get("k", 5)
        if not isinstance(text, str) or not isinstance(k, int) or not isinstance(collection, str | None):
            raise UsageError("search takes text, and maybe collection and k")
        hits = search(self._app, text, SearchOptions(collection=collection or None, k=min(k, _MOST)))
        return [
            {"source": hit.source, "title": hit.title, "page": hit.page, "section": hit.section, "text": hit.text}
            for hit in hits
        ]


EXTRA: Mapping[str, Callable[[AppContext], Tool]] = {"search": SearchTool}


def open_toolbox(
    app: AppContext, names: Sequence[str], on_call: Callable[[ToolCall, ToolResult], None]
) -> Toolbox | None:
    """The tools of a command, `search` among them. Raises as `llm.tools.toolbox.open_toolbox` does."""
    return open_with(app, names, on_call=on_call, extra=EXTRA)
