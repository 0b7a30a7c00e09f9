"""A small collection about an operations team, written straight into the store."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.rag.collections import CollectionSpec, collection_chunker, collection_embedder, create_or_open
from opsvi_cli.rag.embedding import embed_texts
from opsvi_cli.sdk import Chunk, Document, DocumentRecord, DocumentWrite, Section

OPS = {
    "/ops/oncall.md": (
        "On-call rota",
        """# On call

The platform team shares the duty. The primary answers within 15 minutes.

| Day | Primary | Phone |
|-----|---------|-------|
| Monday | Tom Reyes | +49 30 555 0101 |
| Saturday | Jin Park | +49 30 555 0105 |
| Sunday | Mara Lind | +49 30 555 0106 |
""",
    ),
    "/ops/backup.md": (
        "Backup policy",
        """# Retention

Full backups run every night at 02:00. They are kept for 35 days. Monthly copies are retained for 13 months.

All backups are encrypted with AES-256 before they leave the host.
""",
    ),
    "/ops/incident.eml": (
        "Disk full on db-3",
        """From: Ana Novak <ana@example.org>
To: ops@example.org
Subject: Disk full on db-3

db-3 ran out of disk space at 07:40 because the WAL archive was not pruned. I restarted PostgreSQL at 08:10.
""",
    ),
}


def write_documents(documents: Mapping[str, tuple[str, str]], name: str = "default") -> None:
    """Put documents (source to title and text) into a collection of this home, with the embedder `hash`."""
    app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(os.environ), cwd="/")
    with contextlib.closing(create_or_open(app, name, CollectionSpec(embedder="hash"))) as store:
        chunker, embedder = collection_chunker(app, store.info), collection_embedder(app, store.info)
        batch = []
        for source, (title, text) in documents.items():
            document_id = hashlib.sha256(f"{source}\0".encode()).hexdigest()[:16]
            heading = text.splitlines()[0].removeprefix("# ") if text.startswith("# ") else ""
            sections = (Section((heading,), 1, 0, len(text)),) if heading else ()
            document = Document(text, title=title, sections=sections)
            chunks = [
                Chunk(
                    hashlib.sha256(f"{document_id}{start}".encode()).hexdigest()[:16],
                    document_id,
                    text[start:end],
                    start,
                    end,
                    position,
                    section=document.section_at(start),
                )
                for position, (start, end) in enumerate(chunker.spans(document))
            ]
            record = DocumentRecord(
                id=document_id,
                source=source,
                part="",
                title=title,
                media_type="text/markdown",
                content_hash=hashlib.sha256(text.encode()).hexdigest(),
                fingerprint="test",
                characters=len(text),
                chunks=len(chunks),
                ingested=app.now(),
            )
            vectors = embed_texts(app, embedder, [chunk.indexed_text(title) for chunk in chunks], cached=False)
            batch.append(DocumentWrite(record, text, chunks, vectors))
        store.write(batch)


@pytest.fixture
def ops_collection(home: Path) -> Callable[..., None]:
    """The default collection about the operations team; call it to add documents."""
    write_documents(OPS)
    return write_documents


@pytest.fixture
def collection(home: Path) -> Callable[..., None]:
    """Writes documents, as `collection({source: (title, text)}, name)`; nothing is there before."""
    return write_documents
