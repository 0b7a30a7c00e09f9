"""The options that `search`, `query` and `chat` share: which passages are found."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

Collection: TypeAlias = Annotated[
    str | None, typer.Option("-c", "--collection", metavar="NAME", help="Collection to search; else the default one")
]
Top: TypeAlias = Annotated[int | None, typer.Option("-k", "--top", min=1, help="How many passages")]
Mode: TypeAlias = Annotated[
    Literal["hybrid", "dense", "keyword"] | None, typer.Option("--mode", help="How passages are found")
]
Where: TypeAlias = Annotated[
    str | None, typer.Option("--where", metavar="FILTER", help="Only documents like this: opsvi help filters")
]
Fusion: TypeAlias = Annotated[Literal["convex", "rrf"] | None, typer.Option("--fusion", help="How scores are joined")]
DenseWeight: TypeAlias = Annotated[
    float | None, typer.Option("--dense-weight", min=0, max=1, help="Trust in vectors against words, 0..1")
]
Rerank: TypeAlias = Annotated[
    str | None, typer.Option("--rerank", metavar="NAME[:MODEL]", help="Reranker that orders the passages, or none")
]
