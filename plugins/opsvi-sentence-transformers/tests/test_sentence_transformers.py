"""Embedder and reranker against the library itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opsvi_sentence_transformers.embedder import SentenceTransformersEmbedder
from opsvi_sentence_transformers.plugin import OPSVI_API, opsvi_register
from opsvi_sentence_transformers.reranker import SentenceTransformersReranker

from opsvi_cli.sdk import API, Hit, NotFoundError, PluginError, Registry, UsageError
from opsvi_cli.testing import check_embedder, check_reranker

TEXTS = ["The disk of the server is full.", "A recipe for soup", "", "Das Backup lief über Nacht."]


def test_it_registers_its_parts_and_states_its_api() -> None:
    registry = Registry()
    opsvi_register(registry)
    names = [(part.kind, part.name) for part in registry.parts()]
    assert names == [("embedder", "sentence-transformers"), ("reranker", "sentence-transformers")]
    assert OPSVI_API.split(".")[0] == str(API[0])


def test_registering_and_building_import_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from types import SimpleNamespace\n"
        "import opsvi_sentence_transformers.plugin\n"
        "from opsvi_sentence_transformers.embedder import SentenceTransformersEmbedder as E\n"
        "from opsvi_sentence_transformers.reranker import SentenceTransformersReranker as R\n"
        f"e = E(SimpleNamespace(options={{'model': {str(tmp_path)!r}}}, log=None)); e.fingerprint\n"
        f"R(SimpleNamespace(options={{'rerank_model': {str(tmp_path)!r}}}, log=None))\n"
        "assert not {'torch', 'sentence_transformers', 'transformers', 'numpy'} & set(sys.modules)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=60)


@pytest.mark.parametrize("model", ["/no/such/folder", "~/nowhere-at-all", "./gone", "a/b/c"])
def test_a_folder_that_is_not_there(model: str, services: Callable[..., Any]) -> None:
    with pytest.raises(NotFoundError, match="there is no folder"):
        SentenceTransformersEmbedder(services(model=model))


@pytest.mark.parametrize(
    "options", [{}, {"model": ""}, {"model": 3}, {"model": "x", "batch_size": 0}, {"model": "x", "batch_size": "many"}]
)
def test_wrong_options_are_usage_errors_with_the_setting(
    options: dict[str, object], services: Callable[..., Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        SentenceTransformersEmbedder(services(**options))
    assert "opsvi config set parts.sentence-transformers." in caught.value.hint


def test_the_fingerprint_follows_the_files(tmp_path: Path, services: Callable[..., Any]) -> None:
    def fingerprint() -> str:
        return SentenceTransformersEmbedder(services(model=str(tmp_path))).fingerprint

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(200_000))
    first = fingerprint()
    (tmp_path / "README.md").write_text("notes")
    assert fingerprint() == first
    (tmp_path / "model.safetensors").write_bytes(bytes(199_999) + b"\1")
    assert fingerprint() != first
    named = SentenceTransformersEmbedder(services(model="owner/name", revision="abc"))
    assert named.fingerprint == "sentence-transformers:owner/name@abc"


def test_it_keeps_the_contract_of_embedders(model_folder: Path, services: Callable[..., Any]) -> None:
    check_embedder(SentenceTransformersEmbedder(services(model=str(model_folder))))


def test_vectors_are_those_of_the_library(model_folder: Path, services: Callable[..., Any]) -> None:
    import numpy as np
    from sentence_transformers import SentenceTransformer

    embedder = SentenceTransformersEmbedder(services(model=str(model_folder)))
    made = embedder.embed(TEXTS)
    expected = SentenceTransformer(str(model_folder), local_files_only=True).encode(TEXTS, normalize_embeddings=True)
    assert embedder.dimension == 384
    assert made.shape == (4, 384)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[[0, 1, 3]], expected[[0, 1, 3]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), [1, 1, 0, 1], atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)
    query = embedder.embed(["no space left on the machine"], "query")[0]
    assert int(np.argmax(made @ query)) == 0


def test_a_folder_without_a_model_is_an_error_of_one_line(
    model_folder: Path, tmp_path: Path, services: Callable[..., Any]
) -> None:
    assert model_folder
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PluginError) as caught:
        SentenceTransformersEmbedder(services(model=str(tmp_path))).embed(["x"])
    assert "\n" not in caught.value.message
    assert caught.value.hint


def cross_encoder(folder: Path, tokenizer: Path, labels: int = 1) -> Path:
    """A BERT of random weights that gives so many numbers for a pair of texts."""
    import torch
    import transformers

    torch.manual_seed(5)
    words = transformers.AutoTokenizer.from_pretrained(str(tokenizer))
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        num_labels=labels,
        initializer_range=0.5,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(str(folder))
    words.model_max_length = 128
    words.save_pretrained(str(folder))
    return folder


def hits(*texts: str) -> list[Hit]:
    return [Hit(1, 1.0, text, "/a.md", "a", f"a.{n}", "", None, None, 0, len(text), {}) for n, text in enumerate(texts)]


def test_scores_are_those_of_the_library(model_folder: Path, tmp_path: Path, services: Callable[..., Any]) -> None:
    import numpy as np
    from sentence_transformers import CrossEncoder

    folder = cross_encoder(tmp_path, model_folder)
    reranker = SentenceTransformersReranker(services(rerank_model=str(folder)))
    check_reranker(reranker)
    scores = reranker.rerank("disk full", hits(*TEXTS))
    expected = CrossEncoder(str(folder), local_files_only=True).predict([("disk full", text) for text in TEXTS])
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert len(set(scores)) == len(TEXTS)
    assert reranker.rerank("disk full", []) == []


def test_a_model_that_is_no_reranker(model_folder: Path, tmp_path: Path, services: Callable[..., Any]) -> None:
    folder = cross_encoder(tmp_path, model_folder, labels=3)
    with pytest.raises(PluginError, match="gives 3 numbers for a passage"):
        SentenceTransformersReranker(services(rerank_model=str(folder))).rerank("x", hits("y"))


def test_a_reranker_needs_a_model(services: Callable[..., Any]) -> None:
    with pytest.raises(UsageError) as caught:
        SentenceTransformersReranker(services(model="the/embedder"))
    assert caught.value.hint == "opsvi config set parts.sentence-transformers.rerank_model FOLDER"
