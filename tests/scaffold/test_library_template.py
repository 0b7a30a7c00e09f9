"""The library template: the tree it makes, and that what it makes is green under any name and any answer."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from scaffold_tree import tree

from opsvi_cli.scaffold.create import render_all
from opsvi_cli.scaffold.manifest import read_manifest
from opsvi_cli.scaffold.names import class_name, error_name
from opsvi_cli.scaffold.templates import PACKAGED, Template, find_features
from opsvi_cli.scaffold.verify import verify

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Any]
UV_CACHE = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
TREE = [
    ".github/workflows/ci.yml",
    ".gitignore",
    "LICENSE",
    "README.md",
    "docs/api.md",
    "docs/index.md",
    "examples/basic_usage.py",
    "ocean_data/__init__.py",
    "ocean_data/core/__init__.py",
    "ocean_data/core/config.py",
    "ocean_data/core/constants.py",
    "ocean_data/core/exceptions.py",
    "ocean_data/testing/__init__.py",
    "ocean_data/testing/fixtures.py",
    "ocean_data/utils/__init__.py",
    "ocean_data/utils/helpers.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/test_core.py",
    "tests/unit/__init__.py",
    "tests/unit/test_example.py",
]
AWKWARD = '# "q" \\ `b` *x* _y_ <a> [l](u) é Ж ’ | 100% {{ x }} {% if %} $(id) ${x}'


@pytest.fixture
def make(opsvi: Run, tmp_path: Path) -> Callable[..., Path]:
    """`make("ocean-data", ["tide-table"], license="MIT")`: the folder of the library."""

    def call(name: str, features: Sequence[str] = (), *options: str, into: Path = tmp_path, **answers: str) -> Path:
        flags = [word for one in features for word in ("--feature", one)]
        given = [word for key, value in answers.items() for word in ("-a", f"{key}={value}")]
        done = opsvi("new-library", name, "--no-input", "--into", into, *flags, *given, *options)
        assert done.code == 0, done.err
        return into / name

    return call


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """With this interpreter, and nothing of its plugins for pytest."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )


def assert_lints(folder: Path) -> None:
    for command in (["check"], ["format", "--check", "--diff"]):
        done = run_in(folder, "ruff", *command, "--quiet", "--no-cache", ".")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("features", [(), ("tide-table",), ("tide-table", "forecast")])
def test_the_tree_is_the_specified_one(make: Run, features: tuple[str, ...]) -> None:
    expected = list(TREE)
    for module in (name.replace("-", "_") for name in features):
        expected += [f"ocean_data/{module}/{name}.py" for name in ("__init__", "base", "implementation")]
        expected.append(f"tests/unit/test_{module}.py")
    assert tree(make("ocean-data", features)) == sorted(expected)


@pytest.mark.parametrize("features", [(), ("tide-table", "forecast")])
def test_its_own_tests_pass(make: Run, features: tuple[str, ...]) -> None:
    done = run_in(make("ocean-data", features), "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 20 * (len(features) + 1)


def test_its_own_tests_notice_what_was_forgotten(make: Run) -> None:
    root = make("ocean-data")
    config, helpers = root / "ocean_data/core/config.py", root / "ocean_data/utils/__init__.py"
    field = "    case_sensitive: bool = False\n"
    config.write_text(config.read_text().replace(field, f"{field}    pace: int = 1\n"))
    helpers.write_text(helpers.read_text().replace('"shorten"]', '"shorten", "SHOWN_LENGTH"]'))
    readme = root / "README.md"
    readme.write_text(readme.read_text().replace('== "north pier"', '== "North Pier"'))
    done = run_in(root, "pytest", "-q", "-p", "no:cacheprovider")
    assert set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE)) == {
        "test_variables_set_every_field",
        "test_the_reference_page_knows_every_public_name",
        "test_the_readme_knows_every_setting",
        "test_each_piece_of_code_of_a_page_runs",
    }


def test_its_types_hold(make: Run) -> None:
    # Names that a class of Python, of the library, or of a feature has too.
    root = make("test-x", ["settings", "iterator", "in-memory", "test-table"], python="3.12")
    done = run_in(root, "mypy", "--no-incremental")
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_and_format_hold_for_short_and_long_names(make: Run, tmp_path: Path) -> None:
    long = "a" + "b" * 59
    names = ["a", "e", "x-1", "zoo", "con-fig", "co-z", "import-tools", "test-x", long, "-".join(["ocean"] * 10)]
    names += [random_name(seed) for seed in range(20)]
    features = ["a", "i", "zz", "t2", "t10", "x-1", "class-map", "core-1", "settings", "value", "generic", "request"]
    features += ["config-error", "in-memory", "implementation", "self", long, "c" * 37, "c" * 38, "d" * 45]
    draw = random.Random(7)
    for number, name in enumerate(names):
        chosen = draw.sample(features, number % 4)
        if name in chosen:
            chosen.remove(name)
        make(name, chosen, into=tmp_path / str(number), python=("3.11", "3.12", "3.13")[number % 3])
    make(long, ["f" * 60], into=tmp_path / "longest")
    assert_lints(tmp_path)


def random_name(seed: int) -> str:
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [
        draw.choice(letters) + "".join(draw.choices(letters + "0123456789", k=draw.randint(1, 7)))
        for _ in range(draw.randint(1, 7))
    ]
    return "-".join(words)


def test_answers_arrive_as_they_were_given(make: Run) -> None:
    description = (AWKWARD * 4)[:200].strip()
    author = 'O"Brien, \\Ana <é> Ж'
    root = make(
        "ocean-data", ["tide-table"], description=description, author=author, email="a.b+c@x-y.example.org",
        repository="https://example.org/a?b=c&d#e", python="3.12",
    )  # fmt: skip
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["description"] == description
    assert project["authors"] == [{"name": author, "email": "a.b+c@x-y.example.org"}]
    assert project["urls"] == {"Repository": "https://example.org/a?b=c&d#e"}
    assert project["requires-python"] == ">=3.12"
    assert [line[-4:] for line in project["classifiers"] if ":: 3." in line] == ["3.12", "3.13"]
    assert f"Copyright (c) {author}\n" in (root / "LICENSE").read_text()
    paragraph = (root / "README.md").read_text().splitlines()[2]
    assert re.sub(r"\\([\\`*_<#\[])", r"\1", paragraph) == description
    assert_lints(root)


def test_what_was_not_answered_leaves_no_trace(make: Run) -> None:
    root = make("ocean-data", description="")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert not {"authors", "urls", "scripts"} & set(project)
    assert (root / "README.md").read_text().startswith("# Ocean Data\n\n## Install\n")


@pytest.mark.parametrize(
    ("license", "digest"),
    [
        ("MIT", hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()),
        # The text of apache.org.
        ("Apache-2.0", "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"),
        ("BSD-3-Clause", ""),
    ],
)
def test_the_licence_is_there_in_full(make: Run, license: str, digest: str) -> None:
    root = make("ocean-data", [], "--year", "2026", license=license, author="The opsvi authors")
    text = (root / "LICENSE").read_text()
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["license"] == license
    if digest:
        assert hashlib.sha256(text.encode()).hexdigest() == digest
    else:
        assert "Copyright (c) 2026, The opsvi authors\n" in text
        assert [line[:2] for line in text.splitlines() if re.match(r"\d\.", line)] == ["1.", "2.", "3."]
        assert text.endswith("EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.\n")


def test_the_workflow_does_what_the_readme_says(make: Run) -> None:
    root = make("ocean-data", python="3.12")
    workflow = yaml.safe_load((root / ".github/workflows/ci.yml").read_text())
    assert workflow[True] == {"push": {"branches": ["main"]}, "pull_request": None}  # `on` is a truth value in YAML
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"] == "${{ github.workflow }}-${{ github.ref }}"
    assert workflow["jobs"]["test"]["strategy"]["matrix"] == {"python": ["3.12", "3.13"]}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert all(step["with"]["cache"] == "pip" for step in steps if "setup-python" in step.get("uses", ""))
    done = {step["run"].removeprefix("python -m ").split(" --")[0] for step in steps if "run" in step}
    commands = (root / "README.md").read_text().split("```console\n")[-1].split("```")[0].splitlines()
    told = {line.removeprefix("python -m ").split(" --")[0] for line in commands if not line.startswith("pip ")}
    assert told - {"ruff format"} <= done
    assert "ruff format" in done


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_a_new_library_is_sound(make: Run, opsvi: Run, python: str) -> None:
    root = make("ocean-data", ["tide-table", "core-1"], python=python)
    done = opsvi("library", "check", root, "--json")
    assert (done.code, done.json) == (0, []), done.out


def test_only_the_record_mentions_the_generator(make: Run) -> None:
    root = make("ocean-data", ["tide-table"])
    for path in tree(root):
        text = (root / path).read_text()
        if path == "pyproject.toml":
            text = text.partition("# How `opsvi library update`")[0]
        assert "opsvi" not in text.lower(), path
        assert "{%" not in text, path
        if path != "pyproject.toml":
            assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path


def test_integrations_appear_where_they_belong(tmp_path: Path) -> None:
    for name in ("state-machine", "cache"):
        folder = tmp_path / "features" / name
        (folder / "files").mkdir(parents=True)
        (folder / "feature.toml").write_text(
            f'summary = "What {name} gives"\nlibrary = "lib{name}"\nurl = "https://example.org/{name}"\n'
            f'dependencies = ["lib{name}>=1"]\ndev-dependencies = ["types-{name}>=2"]\nmypy-untyped = ["lib{name}.*"]\n'
            f'scripts = {{ "{{{{ name }}}}-{name}" = "{{{{ package }}}}.integrations.x:main" }}\n'
        )
    root = PACKAGED / "library"
    template = Template("library", "built-in", root, read_manifest(root), packaged=tmp_path)
    answers = template.manifest.defaults
    chosen = find_features(["state-machine", "cache"], tmp_path)
    files = {file.path: file.data.decode() for file in render_all(template, "ocean-data", (), chosen, answers)}
    assert set(files) == {*TREE, "ocean_data/integrations/__init__.py"}
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["dependencies"] == ["libcache>=1", "libstate-machine>=1"]
    assert project["project"]["scripts"] == {
        f"ocean-data-{name}": "ocean_data.integrations.x:main" for name in ("cache", "state-machine")
    }
    assert project["dependency-groups"]["dev"][-2:] == ["types-cache>=2", "types-state-machine>=2"]
    (override,) = project["tool"]["mypy"]["overrides"]
    assert override == {"module": ["libcache.*", "libstate-machine.*"], "ignore_missing_imports": True}
    for page, prefix in (("README.md", "docs/"), ("docs/index.md", "")):
        assert f"[state-machine]({prefix}state-machine.md)" in files[page]
        assert "What state-machine gives" in files[page]
    assert "[libcache](https://example.org/cache)" in files["README.md"]
    assert "needs nothing else" not in files["README.md"]


@pytest.mark.parametrize("name", ["timeout", "config", "closed", "cache", "storage", "not-found"])
def test_the_base_of_its_errors_is_called_like_no_other(make: Run, name: str) -> None:
    root = make(name, ["tide-table"], "--with", "storage")
    errors = (root / name.replace("-", "_") / "core/exceptions.py").read_text()
    assert f"class {class_name(name)}LibraryError(Exception):" in errors
    assert_lints(root)


def test_no_exception_of_a_template_is_overlooked() -> None:
    texts = [path.read_text() for path in PACKAGED.rglob("*.py.jinja")]
    found = {name for text in texts for name in re.findall(r"^\s*class (\w+)Error\b", text, re.MULTILINE)}
    assert "Closed" in found
    named = {name: error_name(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()) for name in found}
    assert [name for name, error in named.items() if error == f"{name}Error"] == []


@pytest.mark.slow
def test_it_is_green_in_an_environment_of_its_own(make: Run) -> None:
    root = make("ocean-data", ["tide-table", "forecast"], author="Ana Novak", email="ana@example.org")
    # The home of a test is empty; what uv has downloaded is shared, as on a developer's machine.
    environment = {**os.environ, "UV_CACHE_DIR": UV_CACHE}
    steps = {step.name: step.output for step in verify(root, environment) if not step.ok}
    assert steps == {}
