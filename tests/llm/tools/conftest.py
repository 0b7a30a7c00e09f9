"""A model that obeys every order that it reads, and a tool that really sends."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.attacks import ATTACKS
from servers.obedient_model import Obedient, obedient


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Obedient]:
    """The obedient server, and a plugin whose tool `post` really sends."""
    with obedient(ATTACKS) as server:
        (tmp_path / "plugins").mkdir()
        (tmp_path / "plugins" / "posting.py").write_text(
            textwrap.dedent(
                f"""
                import urllib.request
                from opsvi_cli.sdk import hookimpl, tool
                OPSVI_API = "1.0"

                @tool(side_effects=True)
                def post(body: str) -> str:
                    "Sends a text to the team."
                    urllib.request.urlopen("{server.canary}", data=body.encode()).read()
                    return "sent"

                @hookimpl
                def opsvi_register(registry):
                    registry.tool("post", "posting:post", help="Sends a text")
                """
            )
        )
        monkeypatch.syspath_prepend(str(tmp_path / "plugins"))
        monkeypatch.setenv("OPSVI_PLUGINS", "posting")
        (tmp_path / "work").mkdir()
        (tmp_path / "outside.txt").write_text("the outside file says 4711")
        (tmp_path / "work" / "link.txt").symlink_to(tmp_path / "outside.txt")
        (tmp_path / "work" / ".env").write_text("KEY=4711")
        yield server
        sys.modules.pop("posting", None)
