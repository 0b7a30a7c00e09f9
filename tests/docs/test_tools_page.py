"""The shell blocks of the page about tools are run with the real program, and their output is compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opsvi_cli.testing import check_tool

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE_DOCUMENT = re.compile(r"^cat > \w+\.py <<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)
ROOT = Path(__file__).resolve().parents[2]


def test_tools_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(ROOT / "docs" / "tools.md")


def test_functions_of_the_pages_are_tools(opsvi_services: Callable[..., Any]) -> None:
    """The Python blocks as they stand."""
    found: dict[str, Any] = {}
    for page in ("tools.md", "plugins/tool.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for block in [*BLOCK.findall(text), *HERE_DOCUMENT.findall(text)]:
            if "@tool" in block:
                exec(block, found)  # our own page
    count = found["word_count"](opsvi_services("word_count"))
    check_tool(count, {"text": "one two"})
    assert count.call({"text": "one two"}) == 2
    properties = found["page_status"].spec.parameters["properties"]
    assert properties["url"] == {"type": "string", "description": "a public address"}
    assert set(properties) == {"url", "tries"}
