"""What this plugin brings."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, Source, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the part; its module is imported when a song is read."""
    registry.processor(
        "lyrics",
        "opsvi_lyrics.processor:Lyrics",
        help="Reads song texts with times",
        media_types=["application/x-lrc"],
        suffixes=[".lrc"],
    )


@hookimpl
def opsvi_select_processor(source: Source) -> str | None:
    """By name: to whoever looks at the bytes alone, a song is plain text."""
    return "lyrics" if source.name.lower().endswith(".lrc") else None
