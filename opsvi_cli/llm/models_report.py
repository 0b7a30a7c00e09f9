"""What `opsvi models` shows: rows of every provider that answered, and one error for those that did not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, PartialError

from .models import list_models

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

FIELDS = ("id", "provider", "capabilities", "context_window", "default")


def collect(app: AppContext, provider: str | None) -> tuple[list[dict[str, Any]], OpsviError | None]:
    """(rows, failure): the failure is raised after the rows were shown. Asked for one provider, its error is raised."""
    rows: list[dict[str, Any]] = []
    errors: list[OpsviError] = []
    for entry in list_models(app, provider):
        if isinstance(entry, OpsviError):
            errors.append(entry)
        else:
            rows.append({**asdict(entry), "capabilities": list(entry.capabilities)})
    if not errors:
        return rows, None
    if not rows or provider is not None:
        raise errors[0]
    text = "; ".join(error.message for error in errors)
    return rows, PartialError(f"some models are missing: {text}", hint=errors[0].hint)
