"""The reference cannot drift: commands, settings, environment, exit codes, links, parts."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from opsvi_cli.command_table import COMMANDS
from opsvi_cli.errors import EXIT_CODE_MEANINGS, ExitCode

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "opsvi_cli"


def test_generated_pages_are_up_to_date(generate: ModuleType) -> None:
    for path, text in generate.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_every_option(name: str, generate: ModuleType) -> None:
    from opsvi_cli.app import load_command
    from opsvi_cli.context import AppContext

    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for path, command in generate.walk(load_command(name, AppContext(env={})), f"opsvi {name}"):
        heading = re.search(rf"^##+ {re.escape(path)}$(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
        assert heading, f"{path} is not in docs/commands.md"
        assert command.help, f"{path} has no help"
        for param in command.params:
            if param.param_type_name == "option" and param.name != "help":
                assert all(option in heading[1] for option in param.opts), f"{path}: {param.opts}"
                assert param.help, f"{path}: {param.opts} has no help"


def test_every_setting_is_documented(generate: ModuleType) -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    names = [row[0] for row in generate.settings_rows()]
    assert len(names) > 30
    assert [name for name in names if f"| {name} |" not in text] == []
    assert all(row[4] for row in generate.settings_rows())


def test_every_environment_variable_in_the_code_is_documented() -> None:
    """Read from the source: any literal that looks like one of our variables, or a known foreign one."""
    text = (DOCS / "environment.md").read_text(encoding="utf-8")
    literal = re.compile(
        r"""["'](_?OPSVI_[A-Z_]+|NO_COLOR|FORCE_COLOR|TERM|COLUMNS|PAGER|XDG_[A-Z_]+|[A-Z]+_API_KEY)["']"""
    )
    unknown = set()
    for path in PACKAGE.rglob("*.py"):
        for name in literal.findall(path.read_text(encoding="utf-8")):
            if name not in text and name not in ("OPSVI_API", "OPSVI_"):
                unknown.add(f"{name} in {path.relative_to(ROOT)}")
    assert unknown == set()


def test_exit_codes_equal_the_enum() -> None:
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE))
    assert rows == {str(int(code)): EXIT_CODE_MEANINGS[code] for code in ExitCode}


def test_command_lines_in_pages_exist(pages: list[Path], generate: ModuleType) -> None:
    """Commands, subcommands and flags that a page names, in blocks and in backquotes, are real."""
    wrong = []
    for page in pages:
        for line in command_lines(page.read_text(encoding="utf-8")):
            problem = problem_of(line, generate)
            if problem:
                wrong.append(f"{page.relative_to(ROOT)}: {line}: {problem}")
    assert wrong == []


def command_lines(text: str) -> list[str]:
    blocks = re.findall(r"^```(?:text|sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`(opsvi [^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [line for line in lines if line.startswith("opsvi ")]


def problem_of(line: str, generate: ModuleType) -> str:
    """What is wrong with a command line; empty when nothing is."""
    from opsvi_cli.app import load_command
    from opsvi_cli.context import AppContext
    from opsvi_cli.global_options import FLAGS

    words = shlex.split(re.split(r"[|>;&]|  +", re.sub(r"'[^']*'", "VALUE", line), maxsplit=1)[0], comments=True)[1:]
    while words and words[0].startswith("--") and words[0] != "--version":
        words = words[2:] if words[0] in ("--profile", "--config", "--timeout", "--color") else words[1:]
    if not words or words[0].isupper() or words[0].startswith("-"):
        return ""
    name = words.pop(0)
    if name not in COMMANDS:
        return f"no command {name}"
    command = load_command(name, AppContext(env={}))
    while children := getattr(command, "commands", None):
        if not words or words[0].startswith("-") or words[0].isupper():
            break
        if words[0] not in children:
            return f"no subcommand {words[0]}"
        command = children[words.pop(0)]
    known = {"-h", "--help", "-", *(flag for row in FLAGS for flag in row.names)}
    for param in getattr(command, "params", ()):
        known.update([*param.opts, *param.secondary_opts])
    flags = [word.split("=")[0] for word in words if word.startswith("-")]
    return ", ".join(f"no option {flag}" for flag in flags if flag not in known)


def test_wrong_command_lines_are_seen(generate: ModuleType) -> None:
    assert problem_of("opsvi ingest docs/ --sync -c x", generate) == ""
    assert problem_of("opsvi collections list --json", generate) == ""
    assert problem_of("opsvi ingset docs/", generate) == "no command ingset"
    assert problem_of("opsvi collections frobnicate x", generate) == "no subcommand frobnicate"
    assert problem_of("opsvi search x --nope", generate) == "no option --nope"


def test_conditions_in_pages_can_be_parsed(pages: list[Path]) -> None:
    from opsvi_cli.rag.where import parse_where

    found = [match for page in pages for match in re.findall(r"--where '([^']+)'", page.read_text(encoding="utf-8"))]
    rows = re.findall(r"^\| `([a-z]+ [^`]+)`", (DOCS / "filters.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 8
    for condition in {*found, *rows}:
        assert parse_where(condition) is not None, condition


def test_internal_links_resolve(pages: list[Path]) -> None:
    broken = []
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            other = (page.parent / path).resolve() if path else page
            if not other.exists() or (anchor and anchor not in anchors(other)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_files_named_in_the_architecture_exist() -> None:
    """Paths in backquotes that begin with a room of the repository."""
    for page in (DOCS / "architecture.md", ROOT / "README.md"):
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`((?:opsvi_cli|tests|docs|examples|plugins|benchmarks|completions)/[\w./-]*)`", text)
        assert named, page
        assert [path for path in named if not (ROOT / path).exists()] == [], page.name


def test_every_base_dependency_has_a_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    names = {re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0] for line in project["dependencies"]}
    given = set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE))
    assert names - given == set(), "no reason given"
    assert given - names == set(), "no longer a dependency"


def test_the_page_says_which_dependencies_are_used() -> None:
    """What stands under "for plugins" is imported by no built-in part; everything above it is."""
    modules = {
        "beautifulsoup4": "bs4", "faiss-cpu": "faiss", "markdown-it-py": "markdown_it", "mdit-py-plugins":
        "mdit_py_plugins", "pyrate-limiter": "pyrate_limiter", "python-docx": "docx", "pyyaml": "yaml",
        "tomli-w": "tomli_w", "genai-prices": "genai_prices", "prompt-toolkit": "prompt_toolkit",
    }  # fmt: skip
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    used, _, offered = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("Some stand ready for plugins")
    for text, expected in ((used, True), (offered, False)):
        for name in re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE):
            module = re.escape(modules.get(name, name))
            found = re.search(rf"^\s*(?:import|from) {module}\b|find_spec\(.{module}", code, re.MULTILINE)
            assert bool(found) is expected, name


def test_every_format_and_part_is_named() -> None:
    from opsvi_cli.builtin.plugin import opsvi_register
    from opsvi_cli.sdk import Registry

    registry = Registry()
    opsvi_register(registry)
    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    for part in registry.parts("processor"):
        for suffix in part.data["suffixes"]:  # type: ignore[union-attr]
            assert f"`{suffix}`" in text, f"{suffix} is not in docs/formats.md"


def test_pages_name_no_machine_and_no_plan(pages: list[Path]) -> None:
    forbidden = re.compile(r"/tmp/\w+|/home/\w+|/root\b|\bTODO\b|\bFIXME\b|\bcoming soon\b", re.IGNORECASE)
    samples = [
        path for path in (ROOT / "examples").rglob("*") if path.suffix in (".md", ".txt", ".html", ".eml", ".json")
    ]
    for page in [*pages, *samples]:
        found = forbidden.findall(page.read_text(encoding="utf-8"))
        assert not found, f"{page.relative_to(ROOT)}: {found}"


def test_every_page_is_in_the_index(pages: list[Path]) -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z/-]+)$", index, re.MULTILINE))
    there = {page.relative_to(DOCS).with_suffix("").as_posix() for page in pages if page.is_relative_to(DOCS)}
    assert there - {"index"} == listed


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "-d", tmp_path / "trees", DOCS, tmp_path / "site"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()
