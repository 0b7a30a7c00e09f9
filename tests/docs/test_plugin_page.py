"""docs/plugins/: tables and pages compared with the plugin API. tests/plugin_host/install runs the guide itself."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import opsvi_cli.testing
from opsvi_cli import sdk
from opsvi_cli.sdk import Hooks, Registry

DOCS = Path(__file__).resolve().parents[2] / "docs" / "plugins"
PAGE = (DOCS / "index.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[(\w+)\]\(([\w-]+\.md)\) \| ([^|]+) \| `registry\.(\w+)` \|", re.MULTILINE)


def test_the_page_names_every_hook_with_its_arguments() -> None:
    for name, hook in inspect.getmembers(Hooks, inspect.isfunction):
        arguments = [word for word in inspect.signature(hook).parameters if word != "self"]
        shown = ", ".join(f"`{word}`" for word in arguments) or "none"
        assert f"| `{name}` | {shown} |" in PAGE


def test_the_page_names_every_kind_that_can_be_registered() -> None:
    own = {"add", "parts", "find", "drop_plugin"}
    methods = {name for name, _ in inspect.getmembers(Registry, inspect.isfunction) if not name.startswith("_")} - own
    assert methods == {method for _kind, _page, _protocol, method in ROW.findall(PAGE)}


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: row[0])
def test_every_kind_has_a_page(row: tuple[str, str, str, str]) -> None:
    """How to begin, how to register, the Protocol in full, and the suite of its kind where there is one."""
    kind, name, cell, method = row
    text = (DOCS / name).read_text(encoding="utf-8")
    assert f"--kind plugin --part {name.removesuffix('.md')}" in text
    assert f"registry.{method}" in text
    protocol: Any = getattr(sdk, cell.strip("`"), None)
    if protocol is not None:
        assert inspect.getsource(protocol) in text
    suite = f"check_{kind}"
    assert (suite in text) is hasattr(opsvi_cli.testing, suite)


def test_every_part_of_new_library_is_a_kind() -> None:
    from opsvi_cli.scaffold.manifest import read_manifest
    from opsvi_cli.scaffold.templates import PACKAGED

    (question,) = [one for one in read_manifest(PACKAGED / "plugin").questions if one.name == "part"]
    assert set(question.choices) == {page.removesuffix(".md") for _kind, page, _protocol, _method in ROW.findall(PAGE)}


def test_the_gallery_names_every_example() -> None:
    root = DOCS.parents[1]
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    for folder in (*root.glob("examples/plugins/*/"), *root.glob("plugins/*/")):
        assert f"`{folder.relative_to(root).as_posix()}`" in text


def test_the_page_of_providers_names_every_capability_and_what_is_optional() -> None:
    """Everything that a provider may say it can, and every protocol of the sdk that it may follow beside `Provider`."""
    from opsvi_cli.testing.providers import CAPABILITIES

    text = (DOCS / "provider.md").read_text(encoding="utf-8")
    table = text[text.index("| `capabilities` has |") : text.index("## What the sdk has for it")]
    assert all(f"`{name}`" in table for name in CAPABILITIES)
    for name in ("connection", "Server", "TokenCounter", "BatchProvider", "chat_messages", "chat_tools", "chat_events"):
        assert f"`{name}" in text
        assert hasattr(sdk, name)
