"""Embedder `wordllama`: the mean of static token vectors, from the table that the wordllama wheel carries.

The table (safetensors, float16) is memory-mapped and the tokenizer loaded directly: the package itself is never
imported, because its loader is slower, changes the logging of the process and may reach for the network.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from opsvi_cli.sdk import PluginError, Services, Vectors

_WEIGHTS = "l2_supercat_256.safetensors"
_TOKENIZER = "l2_supercat_tokenizer_config.json"
_TENSOR = "embedding.weight"
_TYPES = {"F16": "<f2", "F32": "<f4"}
_LARGEST_HEADER = 100_000_000


class WordLlama:
    """Token vectors of 256 numbers, averaged. English; no limit to the length of a text."""

    fusion_weight = 0.4

    def __init__(self, services: Services) -> None:
        folder = _package()
        weights = _find(folder, ("weights",), _WEIGHTS)
        self._tokenizer_file = _find(folder, ("tokenizers", "tokenizer"), _TOKENIZER)
        self._table = read_tensor(weights, _TENSOR)
        self.dimension = int(self._table.shape[1])
        self.fingerprint = f"wordllama-{weights.stem}-{weights.stat().st_size}-{self.dimension}"
        self._tokenizer: Any = None

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        pooled = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return pooled
        clean = [text.encode("utf-8", "replace").decode() for text in texts]  # lone surrogates have no token
        encoded = [item.ids for item in self._loaded().encode_batch_fast(clean, add_special_tokens=False)]
        filled = [row for row, ids in enumerate(encoded) if ids]
        if not filled:
            return pooled
        lengths = np.fromiter((len(encoded[row]) for row in filled), dtype=np.intp, count=len(filled))
        tokens = np.fromiter((token for row in filled for token in encoded[row]), dtype=np.intp, count=lengths.sum())
        np.clip(tokens, 0, len(self._table) - 1, out=tokens)
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        sums = np.add.reduceat(self._table[tokens].astype(np.float32), starts, axis=0)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)  # the length of the mean does not matter, so the sum does
        pooled[filled] = np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 0)
        return pooled

    def _loaded(self) -> Any:
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            try:
                tokenizer = Tokenizer.from_file(str(self._tokenizer_file))
            except Exception as error:
                raise _broken(f"{self._tokenizer_file} cannot be read: {error}") from error
            tokenizer.no_padding()
            tokenizer.no_truncation()
            self._tokenizer = tokenizer
        return self._tokenizer


def _broken(message: str) -> PluginError:
    return PluginError(message, hint="reinstall the package wordllama, or use another --embedder")


def _package() -> Path:
    """Folder of the installed package, found without importing it."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise _broken("the package wordllama is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def _find(folder: Path, places: Sequence[str], name: str) -> Path:
    for place in places:
        if (folder / place / name).is_file():
            return folder / place / name
    raise _broken(f"{folder} holds no {places[0]}/{name}")


def read_tensor(path: Path, name: str) -> Any:
    """A memory-mapped array from a safetensors file: 8 bytes length, JSON header, data. Raises PluginError."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > _LARGEST_HEADER:
                raise ValueError("its header is too long")
            entry = json.loads(file.read(size))[name]
        shape, (start, end) = tuple(entry["shape"]), entry["data_offsets"]
        kind = np.dtype(_TYPES[entry["dtype"]])
        if len(shape) != 2 or end - start != math.prod(shape) * kind.itemsize:
            raise ValueError("its header does not fit its data")
        return np.memmap(path, dtype=kind, mode="r", offset=8 + size + start, shape=shape)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(f"{path} cannot be read: {error}") from error
