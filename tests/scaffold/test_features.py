"""Every feature of `new-library --with`: alone, in pairs, all together; installed, tested, linted, typed, built.

Alone and all together run with the suite. The pairs take long and are run by hand: `make test-pairs`. What two features
both write to (`pyproject.toml`, `README.md`, `docs/index.md`) is checked for every pair with the suite.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.scaffold.create import render_all, variables
from opsvi_cli.scaffold.manifest import read_manifest
from opsvi_cli.scaffold.render import render
from opsvi_cli.scaffold.templates import PACKAGED, Template, all_features, find_features

Run = Callable[..., Any]
FEATURES = {feature.name: feature for feature in all_features()}
ASKED_FOR = {
    "config", "logging", "retry", "rate-limit", "cache", "secrets", "auth", "oauth", "rbac", "metrics", "tracing",
    "health", "scheduler", "state-machine", "bus", "storage", "api", "grpc", "websocket", "events", "cli", "docker",
    "kubernetes",
}  # fmt: skip
PAIRS = [f"{one}+{other}" for one, other in combinations(sorted(FEATURES), 2)]

# Each test has a home of its own; what uv has downloaded is shared, as it is on a developer's machine.
UV = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))}
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed: pip alone would take an hour")


def rendered(*names: str) -> dict[str, bytes]:
    """The files of a library called tide-pool with these features, by path."""
    root = PACKAGED / "library"
    template = Template("library", "built-in", root, read_manifest(root))
    answers = template.manifest.defaults
    files = render_all(template, "tide-pool", ["gauge"], find_features(names, PACKAGED), answers)
    return {file.path: file.data for file in files}


def test_nothing_is_missing() -> None:
    assert set(FEATURES) == ASKED_FOR


def test_list_and_recipe(opsvi: Run) -> None:
    rows = opsvi("new-library", "--list-features", "--json").json
    assert {row["name"] for row in rows} == ASKED_FOR
    assert all(row["summary"] and row["library"] and row["url"].startswith("https://") for row in rows)


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_a_recipe_has_the_same_files_as_a_library(name: str, opsvi: Run) -> None:
    record = opsvi("recipe", "show", name, "--json").json
    added = {file["path"] for file in record["files"]}
    assert f"tests/unit/test_{name.replace('-', '_')}.py" in added
    assert f"docs/{FEATURES[name].page}.md" in added
    text = opsvi("recipe", "show", name).out
    assert all(f"## {path}\n" in text for path in added)
    assert all(line in text for line in record["dependencies"])


def test_a_feature_that_is_not_there_is_said_with_one_that_is(opsvi: Run) -> None:
    for args in (("new-library", "ocean-data", "--with", "retri", "--no-input"), ("recipe", "show", "retri")):
        done = opsvi(*args)
        assert done.code == 2
        assert "did you mean 'retry'?" in done.err


def test_a_feature_of_ones_own_is_not_called_like_one_that_is_added(opsvi: Run) -> None:
    done = opsvi("new-library", "ocean-data", "--with", "cache", "--feature", "cache", "--no-input")
    assert done.code == 2
    assert "--with adds one of that name" in done.err


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_each_module_has_tests_that_assert(name: str) -> None:
    files = rendered(name)
    tree = ast.parse(files[f"tests/unit/test_{name.replace('-', '_')}.py"])
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    checked = [
        test
        for test in tests
        if any(isinstance(node, ast.Assert) or "raises" in ast.unparse(node) for node in ast.walk(test))
    ]
    assert len(checked) >= 3, [test.name for test in tests]


def test_features_write_to_no_file_of_another() -> None:
    plain = set(rendered())
    own = {name: set(rendered(name)) - plain for name in FEATURES}
    for one, other in combinations(FEATURES, 2):
        together = {feature.name for feature in find_features([one], PACKAGED)} & {
            feature.name for feature in find_features([other], PACKAGED)
        }
        brought = {path for name in together for path in own[name]}
        both = (own[one] & own[other]) - brought
        assert {path for path in both if not path.endswith("integrations/__init__.py")} == set(), (one, other)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """What of the library template takes something of each feature."""
    folder = tmp_path / "shared"
    for name in ("pyproject.toml.jinja", "README.md.jinja", "docs/index.md.jinja"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGED / "library" / "files" / name, folder / name)
    return folder


def test_what_every_pair_writes_to_is_sound(shared: Path, tmp_path: Path) -> None:
    """The project file parses and asks for both; lint and format are clean; pages link to both."""
    answers = read_manifest(PACKAGED / "library").defaults
    for pair in PAIRS:
        one, other = pair.split("+")
        scope = variables("tide-pool", ["gauge"], find_features([one, other], PACKAGED), answers)
        files = {file.path: file.data.decode() for file in render([shared], scope)}
        project = tomllib.loads(files["pyproject.toml"])["project"]
        for name in (one, other):
            assert set(FEATURES[name].dependencies) <= set(project["dependencies"]), pair
            assert f"({FEATURES[name].page}.md)" in files["docs/index.md"], pair
            assert f"(docs/{FEATURES[name].page}.md)" in files["README.md"], pair
        for path, text in files.items():
            (tmp_path / pair / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / pair / path).write_text(text)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--quiet", tmp_path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@needs_uv
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*sorted(FEATURES), ",".join(sorted(FEATURES))], ids=[*sorted(FEATURES), "all"])
def test_a_library_with_a_feature_is_green(name: str, opsvi_process: Run) -> None:
    """In an environment of its own, which has only what the library asks for."""
    done = opsvi_process("new-library", "tide-pool", "--with", name, "--no-input", "--verify", env=UV, timeout=590)
    assert done.code == 0, done.err
    assert [line for line in done.err.splitlines() if line.endswith(": ok")] == STEPS, done.err


STEPS = ["install: ok", "test: ok", "lint: ok", "format: ok", "types: ok", "build: ok"]


@needs_uv
@pytest.mark.pairs
@pytest.mark.timeout(600)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_library_with_two_features_is_green(pair: str, opsvi_process: Run) -> None:
    done = opsvi_process(
        "new-library", "tide-pool", "--with", pair.replace("+", ","), "--no-input", "--verify", env=UV, timeout=590
    )
    assert done.code == 0, done.err
    assert [line for line in done.err.splitlines() if line.endswith(": ok")] == STEPS, done.err
