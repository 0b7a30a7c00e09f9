"""Documents that others have made, with what their text must contain."""

from __future__ import annotations

import html
import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError
from opsvi_cli.rag.extractor import Extractor
from opsvi_cli.sdk import Source

FOLDER = SHARED / "documents"
CASES: list[dict[str, Any]] = (
    [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text().splitlines()] if FOLDER.exists() else []
)
NOT_READ = (".msg", ".xlsx", ".pptx", ".epub", ".odt")

pytestmark = pytest.mark.skipif(not CASES, reason="the shared documents are not here")


def norm(text: str) -> str:
    text = unicodedata.normalize("NFKC", html.unescape(text)).replace("\u00ad", "")
    text = text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"})
    text = re.sub(r"\\([^\w\s])", r"\1", text)
    return " ".join(re.sub(r"[*_|`]+", " ", text).split())


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    path = FOLDER / "files" / case["path"]
    source = Source(str(path), path.name, path.read_bytes(), password=case.get("password"))
    with Extractor(AppContext(env=dict(os.environ), cwd=str(Path.cwd())), jobs=1) as extractor:
        result = extractor.read(source)
    if path.suffix in NOT_READ:
        assert isinstance(result, OpsviError)
        assert result.message.startswith(f"no processor for {path.name} (application/")
        return
    assert not isinstance(result, OpsviError), result.message
    text = norm("\n".join(document.text for document in result))
    for wanted in case["must_contain"]:
        assert norm(wanted) in text
    for unwanted in case["must_not_contain"]:
        assert norm(unwanted) not in text
    for name, value in case["metadata"].items():
        assert (result[0].title if name == "title" else result[0].metadata.get(name)) == value
