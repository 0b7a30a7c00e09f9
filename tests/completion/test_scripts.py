"""The scripts in the shells themselves; a shell that is not installed is skipped with that reason."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from opsvi_cli.command_table import COMMANDS
from opsvi_cli.commands.completion import FILES
from opsvi_cli.foundation.db import connect
from opsvi_cli.llm.sessions import MIGRATIONS
from opsvi_cli.render.command_tree import SHELLS, Place

ROOT = Path(__file__).resolve().parents[2]


def _need(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def _cut(line: str) -> list[str]:
    """As readline cuts a line: = and : are words of their own."""
    words: list[str] = []
    for word in line.split(" "):
        piece = ""
        for letter in word:
            if letter in "=:":
                words += [piece, letter] if piece else [letter]
                piece = ""
            else:
                piece += letter
        if piece or not word:
            words.append(piece)
    return [*words, ""] if line.endswith(("=", ":")) else words


def _bash(script: Path, line: str) -> list[str]:
    words = _cut(line)
    code = (
        f"source {shlex.quote(str(script))}\n"
        f"COMP_WORDS=({' '.join(shlex.quote(word) for word in words)})\n"
        f"COMP_CWORD={len(words) - 1}\n"
        "_opsvi 2>&1\n"
        'for word in "${COMPREPLY[@]}"; do printf "%s\\n" "$word"; done\n'
    )
    return _run(_need("bash"), "--norc", "-c", code).splitlines()


CASES = [
    ("opsvi que", ["query"]),
    ("opsvi secrets ", ["set", "get", "list", "rm", "path", "test"]),
    ("opsvi plugins li", ["list"]),
    ("opsvi -q plugins inf", ["info"]),
    ("opsvi --profile query plugins l", ["list"]),
    ("opsvi query --mode ", ["hybrid", "dense", "keyword"]),
    ("opsvi query --mode=d", ["dense"]),
    ("opsvi query word --fusion r", ["rrf"]),
    ("opsvi query --no-s", ["--no-stream"]),
    ("opsvi query --top ", []),
    ("opsvi completion f", ["fish"]),
    ("opsvi query --color n", ["never"]),
    ("opsvi help exit", ["exit-codes"]),
    ("opsvi config get retrieval.m", ["retrieval.mode"]),
    ("opsvi query -c no", ["notes", "notes-old"]),
    ("opsvi query --collection=w", ["work"]),
    ("opsvi plugins info op", ["opsvi"]),
    ("opsvi prompt -m oll", ["ollama/"]),
    ("opsvi query --fallback ec", ["echo"]),
    ("opsvi models gr", ["groq"]),
    ("opsvi prompt --tool r", ["read_file"]),
    ("opsvi tools show d", ["date"]),
    ("opsvi usage --by m", ["model"]),
    ("opsvi prompt --pii b", ["block"]),
    ("opsvi prompt -t com", ["commit-message"]),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
@pytest.mark.usefixtures("program", "collections")
def test_bash_completes(line: str, expected: list[str], script: Callable[[str], Path]) -> None:
    found = [word for word in _bash(script("bash"), line) if not word.startswith("opsvi-")]
    assert found == expected


@pytest.mark.usefixtures("program", "collections")
def test_fish_completes(script: Callable[[str], Path]) -> None:
    fish = _need("fish")
    path = script("fish")
    for line, expected in CASES:
        out = _run(fish, "--no-config", "-c", f"source {path}; complete -C {shlex.quote(line)}")
        found = {row.split("\t")[0].rpartition("=")[2] for row in out.splitlines()}
        missing = set(expected) - found
        assert not missing, line
        if expected and not line.split()[-1].startswith("-"):
            assert {word for word in found if not word.startswith("opsvi-")} == set(expected), line


_ZSH = """
compdef() { :; }
_files() { print FILES; }
compadd() { print -l -- ${(M)${(P)@[-1]}:#${PREFIX}*}; }
compset() { PREFIX=${PREFIX#*=}; }
_describe() { local name=${@[-1]}; local -a all; all=(${${(P)name}%%:*}); print -l -- ${(M)all:#${PREFIX}*}; }
"""


@pytest.mark.usefixtures("program", "collections")
def test_zsh_completes(script: Callable[[str], Path]) -> None:
    """zsh's own functions that draw the list are replaced by ones that print it."""
    zsh = _need("zsh")
    path = script("zsh")
    for line, expected in CASES:
        words = line.split(" ")
        code = (
            f"{_ZSH}\nsource {path}\nwords=({' '.join(shlex.quote(word) for word in words)})\n"
            f"CURRENT={len(words)}; PREFIX={shlex.quote(words[-1])}\n_opsvi || true\n"
        )
        found = [word for word in _run(zsh, "-f", "-c", code).split() if not word.startswith("opsvi-")]
        assert sorted(found) == sorted(expected), line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_its_script_without_complaint(shell: str, script: Callable[[str], Path]) -> None:
    assert _run(_need(shell), "-n", str(script(shell))) == ""


def test_bash_completes_file_names_and_colons(
    script: Callable[[str], Path], program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two words.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    assert _bash(script("bash"), "opsvi query --schema two") == ["two words.txt"]
    monkeypatch.setenv("OPSVI_MODEL", "lab/tiny:8b")
    assert _bash(script("bash"), "opsvi query -m lab/tiny:") == ["8b"]


def test_names_with_spaces_are_quoted_as_they_would_be_typed(
    script: Callable[[str], Path], program: Path, home: Path
) -> None:
    database = connect(home / "data" / "sessions.db", MIGRATIONS)
    database.execute("INSERT INTO sessions (id, name, created, updated) VALUES ('s1', 'hall 2', '1', '1')")
    database.close()
    for typed, completed in (("ha", "hall\\ 2"), ("hall\\ ", "hall\\ 2"), ('"hall', "hall 2")):
        words = ["opsvi", "chat", "--session", typed]
        code = (
            f"source {shlex.quote(str(script('bash')))}\nCOMP_WORDS=({shlex.join(words)})\nCOMP_CWORD=3\n"
            '_opsvi 2>/dev/null\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        assert _run(_need("bash"), "--norc", "-c", code) == completed + "\n"
    fish = _run(_need("fish"), "--no-config", "-c", f"source {script('fish')}; complete -C 'opsvi chat show hall\\ '")
    assert "hall 2" in fish.split("\t")[0]


def test_static_words_start_no_process(script: Callable[[str], Path], tmp_path: Path) -> None:
    text = f"PATH=/nonexistent\nsource {script('bash')}\nCOMP_WORDS=(opsvi query --mode '')\nCOMP_CWORD=3\n_opsvi\n"
    assert _run(_need("bash"), "--norc", "-c", text + 'echo "${COMPREPLY[*]}"') == "hybrid dense keyword\n"


def test_every_command_and_option_stands_in_every_script(tree: list[Place], script: Callable[[str], Path]) -> None:
    assert {place.path[0] for place in tree if place.path} == set(COMMANDS)
    for shell in SHELLS:
        text = script(shell).read_text()
        for place in tree:
            for word in (*place.commands, *(name for option in place.options for name in option.names)):
                shown = word.lstrip("-") if shell == "fish" else word
                assert shown in text, (shell, place.path, word)


@pytest.mark.parametrize("shell", FILES)
def test_the_committed_scripts_are_the_generated_ones(shell: str, tree: list[Place]) -> None:
    """`make generate` writes them again."""
    made = import_module(f"opsvi_cli.render.shell_{shell}").script(tree)
    assert (ROOT / "completions" / FILES[shell]).read_text(encoding="utf-8") == made


def test_powershell_is_balanced(script: Callable[[str], Path]) -> None:
    text = script("powershell").read_text()
    for opening, closing in ("{}", "()", "[]"):
        assert text.count(opening) == text.count(closing)


def test_the_command_prints_the_script_and_writes_nothing(
    tree: list[Place], opsvi: Callable[..., object], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = opsvi("completion", "bash")
    assert done.out == import_module("opsvi_cli.render.shell_bash").script(tree)  # type: ignore[attr-defined]
    assert sorted(tmp_path.rglob("*")) == before
    assert opsvi("completion", "tcsh").code == 2  # type: ignore[attr-defined]


def test_write_puts_it_into_a_folder(opsvi: Callable[..., object], tmp_path: Path) -> None:
    opsvi("completion", "zsh", "--write", tmp_path / "made")
    assert (tmp_path / "made" / "_opsvi").read_text().startswith("#compdef opsvi\n")
