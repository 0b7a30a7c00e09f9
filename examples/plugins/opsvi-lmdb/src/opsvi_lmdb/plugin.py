"""What this plugin brings."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the part; LMDB is imported when a collection is opened."""
    registry.store("lmdb", "opsvi_lmdb.backend:LmdbBackend", help="One LMDB file; readers never wait")
