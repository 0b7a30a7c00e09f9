"""Running the documentation: shell blocks of a page, one session a page, with the real program on a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Step:
    """A command of a page and what the page says it prints; `checked` is False when the page says nothing."""

    command: str
    expected: list[str] = field(default_factory=list)
    checked: bool = True


def steps_of(page: Path) -> list[Step]:
    """The steps of a page in order.

    In a `console` block a line `$ ...` is a command (`> ...` goes on with it) and the lines below are its output.
    A `sh` block is a script; a `text` block right after it is its output.
    """
    steps: list[Step] = []
    end = -1
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        language, body = match[1], match[2]
        if language == "console":
            for line in body.splitlines():
                if line.startswith("$ "):
                    steps.append(Step(line[2:]))
                elif line.startswith("> ") and steps and not steps[-1].expected:
                    steps[-1].command += "\n" + line[2:]
                else:
                    steps[-1].expected.append(line)
        elif language == "sh":
            steps.append(Step(body, checked=False))
            end = match.end()
        elif language == "text" and end >= 0 and not text[end : match.start()].strip():
            steps[-1].expected, steps[-1].checked = body.splitlines(), True
    return steps


def agrees(expected: list[str], real: list[str]) -> bool:
    """Line by line; `...` alone stands for any lines, within a line for any text."""
    pattern = "".join(
        r"(?:[^\n]*\n)*"
        if line.strip() == "..."
        else r"[^\n]*".join(map(re.escape, line.rstrip().split("..."))) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in real)) is not None


class Shell:
    """A bash session whose output is a terminal of 100 columns, without colour; nobody sits at its keyboard."""

    def __init__(self, folder: Path, user: Path) -> None:
        self.folder, self.state = folder, user / "state"
        programs = user / "bin"
        programs.mkdir(parents=True)
        program = programs / "opsvi"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m opsvi_cli "$@"\n')
        program.chmod(0o755)
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(user),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "PAGER": "cat",
            "COLUMNS": "100",
            "PYTHONPATH": str(ROOT),
        }
        self.state.write_text(f"cd {shlex.quote(str(folder))}\n")

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and what was seen, stdout and stderr together. Folder and variables stay for the next command."""
        import pty

        script = (
            f"shopt -s expand_aliases; set +e; . {self.state}\n(exit ${{LAST:-0}})\n{command}\nLAST=$?\n"
            f"{{ export LAST; export -p; printf 'cd %q\\n' \"$PWD\"; }} >{self.state}\nexit $LAST\n"
        )
        master, slave = pty.openpty()
        _set_size(slave, 50, 100)
        child = subprocess.Popen(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=self.env, cwd=self.folder
        )
        os.close(slave)
        seen = bytearray()
        with contextlib.suppress(OSError):  # EIO: the last one who could write has gone
            while piece := os.read(master, 65536):
                seen += piece
        os.close(master)
        code = child.wait(timeout=100)
        return code, _ESCAPES.sub("", seen.decode("utf-8", "replace").replace("\r\n", "\n"))


def _set_size(terminal: int, rows: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A session in a folder that looks like a fresh clone: `examples/` is there, the home is empty."""
    pytest.importorskip("pty")
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    return Shell(folder, tmp_path / "user")


@pytest.fixture
def run_page(shell: Shell) -> Callable[[Path], None]:
    """Run every step of a page and compare; scripts must end with 0, unless the next step looks at `$?`."""

    if shutil.which("bash") is None or shutil.which("jq") is None:
        pytest.skip("the pages use bash and jq")

    def run(page: Path) -> None:
        steps = steps_of(page)
        assert steps, f"{page.name} has no shell block"
        for step in steps:
            command = step.command if step.checked else f"(set -eu\n{step.command})"
            code, text = shell.run(command)
            real = [line.rstrip() for line in text.splitlines()]
            assert "Traceback" not in text, text
            if step.checked:
                expected = "\n".join(step.expected)
                assert agrees(step.expected, real), f"$ {step.command}\n-- page:\n{expected}\n-- real:\n{text}"
            else:
                assert code == 0, f"exit {code} of\n{step.command}\n{text}"

    return run


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """`docs/generate.py` as a module."""
    return _load("docs_generate", DOCS / "generate.py")


@pytest.fixture(scope="session")
def make_documents() -> ModuleType:
    return _load("make_documents", ROOT / "examples" / "make_documents.py")


def _load(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _pages() -> list[Path]:
    return sorted(path for path in DOCS.glob("**/*.md") if "_build" not in path.parts)


@pytest.fixture
def pages() -> list[Path]:
    """Every page a reader sees."""
    plugins = sorted(ROOT.glob("plugins/*/README.md"))
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *_pages(), *plugins]
