"""Embedder `wordllama`: the same vectors as the library that it stands in for, without importing it."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opsvi_cli.builtin import wordllama_embedder
from opsvi_cli.builtin.wordllama_embedder import WordLlama, read_tensor
from opsvi_cli.sdk import PluginError

TEXTS = [
    "disk full",
    "The quick brown fox.",
    "naïve café 数据",
    "a",
    "word " * 700,
    "\n\n# Title\n\ttabs  and   spaces ",
]
SERVICES: Any = types.SimpleNamespace(options={}, name="wordllama")


def test_vectors_are_the_librarys_own() -> None:
    script = (
        "import json, sys, wordllama; from pathlib import Path\n"
        "model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)\n"
        "print(json.dumps(model.embed(json.load(sys.stdin), norm=True).tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(TEXTS), capture_output=True, text=True, check=True, timeout=100
    )
    ours = WordLlama(SERVICES).embed(TEXTS)
    assert np.allclose(ours, np.asarray(json.loads(done.stdout)), atol=2e-6)


def test_rows_are_normalised_and_alone_as_in_a_batch() -> None:
    embedder = WordLlama(SERVICES)
    rows = embedder.embed(["one text", "", "another one"])
    assert rows.dtype == np.float32
    assert rows.shape == (3, embedder.dimension)
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([1, 0, 1], abs=1e-5)
    assert np.allclose(embedder.embed(["another one"])[0], rows[2], atol=1e-6)
    assert embedder.embed([]).shape == (0, 256)
    assert embedder.embed(["lone \ud800 surrogate"]).any()


def test_meaning_counts() -> None:
    rows = WordLlama(SERVICES).embed(["the storage volume has no space left", "disk full", "cats like milk"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_neither_the_library_nor_the_network_is_touched() -> None:
    script = (
        "import socket, sys, types\n"
        "socket.socket = None\n"
        "from opsvi_cli.builtin.wordllama_embedder import WordLlama\n"
        "WordLlama(types.SimpleNamespace(options={})).embed(['x'])\n"
        "print(sorted({'wordllama', 'requests', 'pydantic', 'safetensors'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "[]\n"


def test_the_fingerprint_tells_tables_apart() -> None:
    assert WordLlama(SERVICES).fingerprint == "wordllama-l2_supercat_256-16384096-256"


def write_table(path: Path, header: dict[str, Any], data: bytes) -> None:
    head = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)


def test_the_older_layout_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"disk": 0, "full": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (tmp_path / "tokenizer").mkdir()
    tokenizer.save(str(tmp_path / "tokenizer" / "l2_supercat_tokenizer_config.json"))
    table = np.asarray([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    entry = {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}
    write_table(tmp_path / "weights" / "l2_supercat_256.safetensors", {"embedding.weight": entry}, table.tobytes())
    monkeypatch.setattr(wordllama_embedder, "_package", lambda: tmp_path)
    rows = WordLlama(SERVICES).embed(["disk full", "full", "disk other"])
    assert np.allclose(rows, [[0.5**0.5, 0.5**0.5], [0, 1], [0, 0]])  # the last one: opposite vectors, no length


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 8, (5).to_bytes(8, "little") + b"{bad}", (2).to_bytes(8, "little") + b"{}"],
)
def test_a_damaged_table_is_a_broken_plugin(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(PluginError, match="cannot be read"):
        read_tensor(tmp_path / "t", "embedding.weight")


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    entry = {"dtype": "F16", "shape": [1000, 256], "data_offsets": [0, 512000]}
    write_table(tmp_path / "t", {"embedding.weight": entry}, b"short")
    with pytest.raises(PluginError, match="cannot be read"):
        read_tensor(tmp_path / "t", "embedding.weight")


def test_a_missing_package_is_a_broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordllama_embedder, "_package", lambda: tmp_path)
    with pytest.raises(PluginError, match="weights/l2_supercat_256") as caught:
        WordLlama(SERVICES)
    assert "reinstall" in caught.value.hint
