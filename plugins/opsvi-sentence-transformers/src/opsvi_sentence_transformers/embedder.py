"""The embedder. PyTorch is imported when the first text is embedded, or the dimension is asked for.

Models: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (https://arxiv.org/abs/1908.10084).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from opsvi_cli.sdk import NetworkError, NotFoundError, PluginError, Services, UsageError, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_SETTING = "parts.sentence-transformers"
_EDGE = 65_536
"""Bytes at both ends of a large file that the fingerprint reads."""


class SentenceTransformersEmbedder:
    """`Embedder` of opsvi. Options: `model` (needed), `revision`, `device`, `batch_size`.

    Raises UsageError when no model is named, NotFoundError for a folder that is not there.
    """

    fusion_weight = 0.5
    """Equal trust in these vectors and in BM25."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._name = _text_option(services, "model")
        if not self._name:
            raise UsageError(
                "the embedder sentence-transformers needs a model", hint=f"opsvi config set {_SETTING}.model FOLDER"
            )
        self._revision = _text_option(services, "revision") or None
        self._device = _text_option(services, "device") or None
        self._batch_size = _batch_size(services)
        self._folder = _folder(self._name)

    @cached_property
    def fingerprint(self) -> str:
        """Of a folder, its files; of a name, the name and revision."""
        if self._folder is None:
            return f"sentence-transformers:{self._name}@{self._revision or 'main'}"
        return f"sentence-transformers:{_digest(self._folder)}"

    @cached_property
    def dimension(self) -> int:
        return int(self._model.encode(["x"], show_progress_bar=False).shape[1])

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """float32, shape (len(texts), dimension), rows L2-normalised; a blank text gets zeros.

        The model's own prompts for queries and documents are used where it has some.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        encode = self._model.encode_query if kind == "query" else self._model.encode_document
        made = encode(
            list(texts),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        vectors = np.array(made, dtype=np.float32)
        vectors[[not text.strip() for text in texts]] = 0.0
        return vectors

    @cached_property
    def _model(self) -> SentenceTransformer:
        library = _library(offline=self._folder is not None)
        self._services.log.debug("loading %s", self._name)
        try:
            loaded: SentenceTransformer = library.SentenceTransformer(
                str(self._folder) if self._folder else self._name,
                device=self._device,
                revision=self._revision,
                local_files_only=self._folder is not None,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except OSError as error:
            if self._folder is None:
                raise NetworkError(
                    f"model {self._name!r} is not here and cannot be fetched: {_first_line(error)}",
                    hint=f"put the model in a folder: opsvi config set {_SETTING}.model FOLDER",
                ) from error
            raise PluginError(
                f"{self._folder} holds no model that can be read: {_first_line(error)}",
                hint="it needs config.json and weights as safetensors",
            ) from error
        except (ValueError, KeyError, RuntimeError) as error:
            raise PluginError(
                f"model {self._name!r} cannot be loaded: {_first_line(error)}",
                hint="it may be damaged, or need another version of sentence-transformers",
            ) from error
        return loaded


def _text_option(services: Services, key: str) -> str:
    value = services.options.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{_SETTING}.{key}: {value!r} is not text", hint=f"opsvi config set {_SETTING}.{key} TEXT")
    return value


def _batch_size(services: Services) -> int:
    value = services.options.get("batch_size", 32)
    # A value from the environment is text.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        key = f"{_SETTING}.batch_size"
        raise UsageError(f"{key}: {value!r} is no number of texts", hint=f"opsvi config set {key} 32")
    return number


def _folder(name: str) -> Path | None:
    """The folder that `name` is; None for a name on the hub, which is `model` or `owner/model`."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.is_absolute() or name.startswith(("~", ".")) or name.count("/") > 1:
        raise NotFoundError(f"there is no folder {name}", hint=f"opsvi config set {_SETTING}.model FOLDER")
    return None


def _digest(folder: Path) -> str:
    """Sixteen hex digits over the names, sizes and content of a model's files.

    Of large files both ends are read: weights in safetensors begin with a table of their tensors, and a model trained
    anew differs everywhere.
    """
    sha = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and _counts(p.relative_to(folder))):
        size = path.stat().st_size
        sha.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            sha.update(file.read(_EDGE))
            if size > _EDGE:
                file.seek(-_EDGE, os.SEEK_END)
                sha.update(file.read(_EDGE))
    return sha.hexdigest()[:16]


def _counts(path: Path) -> bool:
    """Notes and hidden files change nothing about the vectors."""
    return not any(part.startswith(".") for part in path.parts) and path.suffix != ".md"


def _library(*, offline: bool) -> Any:
    """The sentence_transformers module, told to be quiet and, for a folder, to stay off the network."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import sentence_transformers
        from transformers.utils import logging
    except ImportError as error:
        raise PluginError(
            f"sentence-transformers cannot be imported: {_first_line(error)}",
            hint="pip install sentence-transformers, into the environment of opsvi",
        ) from error
    logging.disable_progress_bar()
    return sentence_transformers


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
