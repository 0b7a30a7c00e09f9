"""Embedder `hash`: words and pairs of words hashed to signed places (feature hashing, Weinberger et al., 2009).

Needs no model and always gives the same numbers: for tests and scripts, not for quality. Texts that share words are
near each other; meaning plays no part.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from opsvi_cli.sdk import Services, UsageError, Vectors

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """Option: `dimension`, 64..256 (default 128)."""

    fusion_weight = 0.3

    def __init__(self, services: Services) -> None:
        dimension = services.options.get("dimension", 128)
        if isinstance(dimension, bool) or not isinstance(dimension, int) or not 64 <= dimension <= 256:
            raise UsageError(
                f"parts.hash.dimension: {dimension!r} is not a whole number from 64 to 256",
                hint="opsvi config set parts.hash.dimension 128",
            )
        self.dimension = dimension
        self.fingerprint = f"hash-1-{dimension}"

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            words = _WORD.findall(text.casefold())
            for weight, features in ((1.0, words), (0.5, [f"{a} {b}" for a, b in itertools.pairwise(words)])):
                for feature in features:
                    digest = hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                    place = int.from_bytes(digest[:4], "little") % self.dimension
                    vectors[row, place] += weight if digest[4] & 1 else -weight
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors
