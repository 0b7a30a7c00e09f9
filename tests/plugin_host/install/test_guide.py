"""docs/plugins/index.md, followed to the letter: a plugin is written, tested, installed, used and removed.

With opsvi installed by pip, by uv tool and by pipx, each in a home of its own. What the page installs for its own tests
comes from the package index, but for opsvi, which is the wheel of this checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "plugins" / "index.md"
STEP = re.compile(r"^(?:`([^`\n]+)`:\n\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ ([^\n]+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def steps() -> list[tuple[str, str, str]]:
    """(file, text, "") to write or ("", command, what it prints) to run, in the order of the page."""
    found = []
    for name, language, body in STEP.findall(PAGE.read_text(encoding="utf-8")):
        if language == "console":
            found += [("", command, output) for command, output in COMMAND.findall(body)]
        elif name:
            found.append((name, body, ""))
    return found


def agrees(expected: str, real: str) -> bool:
    """`...` alone on a line stands for any lines."""
    pattern = re.escape(expected).replace(re.escape("...\n"), r"(?:.*\n)*")
    return re.fullmatch(pattern, real) is not None


def test_the_page_has_files_and_commands() -> None:
    found = steps()
    assert [name for name, _text, _output in found if name] == [
        "src/opsvi_subtitles/plugin.py",
        "src/opsvi_subtitles/processor.py",
        "src/opsvi_subtitles/samples/talk.srt",
        "tests/test_contract.py",
        "tests/test_processor.py",
    ]
    assert sum("plugins install" in text or "plugins uninstall" in text for _name, text, _output in found) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["pip", "uv-tool", "pipx"])
def test_the_page_does_what_it_says(
    kind: str, make_home: Callable[[str], Any], opsvi_wheel: Path, tmp_path: Path
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("the page uses jq")
    home = make_home(kind)
    before = home.freeze()
    programs = home.python.parent if kind == "pip" else home.folder / "bin"
    env = {
        **home.env,
        "PATH": f"{programs}{os.pathsep}{home.env['PATH']}",
        "OPSVI_HOME": str(tmp_path / "home"),
        "PIP_FIND_LINKS": str(opsvi_wheel.parent),
        "PIP_CACHE_DIR": str(opsvi_wheel.parent / "pip-cache"),
        "COLUMNS": "100",
    }
    state = tmp_path / "state"
    state.write_text(f"cd {tmp_path}\n")
    for name, text, expected in steps():
        folder = tmp_path / "opsvi-subtitles"
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
            continue
        keep = f"{{ export -p; printf 'cd %q\\n' \"$PWD\"; }} >{state}"
        done = subprocess.run(
            ["bash", "-c", f". {state}\n{text}\ncode=$?\n{keep}\nexit $code"],
            env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode != 0 or not agrees(expected, done.stdout):
            pytest.fail(
                f"$ {text}\n{done.stdout}\n-- stderr, exit code {done.returncode}\n{done.stderr}", pytrace=False
            )
    assert home.freeze() == before
