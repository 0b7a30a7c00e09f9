"""Templates from elsewhere: broken ones, ones with hooks, from git, from a plugin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_broken_template_leaves_nothing(write_template: Callable[..., Path], opsvi: Run, tmp_path: Path) -> None:
    root = write_template("broken", {"a.txt": "fine", "z.txt.jinja": "{{ nothing }}"})
    done = opsvi("new-library", "ocean-data", "--template", root, "--no-input")
    assert done.code == 1
    assert "z.txt.jinja: 'nothing' is undefined" in done.err
    assert not [path for path in tmp_path.iterdir() if "ocean" in path.name]


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        'summary = "x"',
        'summary = 1\nversion = "1"',
        'summary = "x"\nversion = "1"\ntypo = 1',
        'summary = "x"\nversion = "1"\nlayers = "part"',
        'summary = "x"\nversion = "1"\nhooks = ["rm -rf"]',
        'summary = "x"\nversion = "1"\n[questions."a b"]\nhelp = "x"',
        'summary = "x"\nversion = "1"\n[questions.a]\nhelp = "x"\nchoices = ["b"]\ndefault = "c"',
        'summary = "x"\nversion = "1"\n[questions.a]\nhelp = "x"\nformat = "regex"',
        "\x00",
    ],
)
def test_a_manifest_that_is_wrong_is_named(write_template: Callable[..., Path], opsvi: Run, manifest: str) -> None:
    root = write_template("wrong", {"a": ""}, manifest=manifest or " ")
    done = opsvi("new-library", "ocean-data", "--template", root, "--no-input")
    assert done.code == 1
    assert "template.toml" in done.err
    assert "Traceback" not in done.err


def test_hooks_run_only_with_trust_and_are_shown_first(
    write_template: Callable[..., Path], opsvi: Run, tmp_path: Path
) -> None:
    root = write_template("hooked", {"a": "x"}, more='hooks = [["sh", "-c", "echo ran > hook.txt"]]')
    done = opsvi("new-library", "one", "--template", root, "--no-input")
    assert done.code == 0
    assert "were not run: sh -c 'echo ran > hook.txt'" in done.err
    assert not (tmp_path / "one/hook.txt").exists()
    done = opsvi("new-library", "two", "--template", root, "--no-input", "--trust")
    assert "running a command of the template: sh -c" in done.err
    assert (tmp_path / "two/hook.txt").read_text() == "ran\n"


def test_a_hook_that_fails_leaves_nothing(write_template: Callable[..., Path], opsvi: Run, tmp_path: Path) -> None:
    for command in ('["false"]', '["no-such-program-here"]'):
        root = write_template("failing", {"a": "x"}, more=f"hooks = [{command}]")
        done = opsvi("new-library", "one", "--template", root, "--no-input", "--trust")
        assert done.code == 1
        assert not [path for path in tmp_path.iterdir() if "one" in path.name]


def test_from_a_git_repository_by_commit(small: Path, opsvi: Run, tmp_path: Path, git: Callable[..., str]) -> None:
    git(small, "init", "-q")
    git(small, "add", ".")
    git(small, "commit", "-qm", "first")
    first = git(small, "rev-parse", "HEAD").strip()
    (small / "files" / "run.sh").write_text("second\n")
    git(small, "commit", "-qam", "second")
    url = f"git+file://{small}"
    done = opsvi("new-library", "old", "--template", f"{url}@{first}", "--no-input", "--json")
    assert done.code == 0, done.err
    assert done.json["commit"] == first
    assert "hello" in (tmp_path / "old/run.sh").read_text()
    assert f'commit = "{first}"' in (tmp_path / "old/pyproject.toml").read_text()
    assert opsvi("new-library", "new", "--template", url, "--no-input").code == 0
    assert (tmp_path / "new/run.sh").read_text() == "second\n"


def test_a_folder_of_a_git_repository(small: Path, opsvi: Run, tmp_path: Path, git: Callable[..., str]) -> None:
    top = small.parent
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "all")
    assert opsvi("new-library", "one", "--template", f"git+file://{top}#small", "--no-input").code == 0
    done = opsvi("new-library", "two", "--template", f"git+file://{top}#../..", "--no-input")
    assert done.code == 2
    assert "leaves the repository" in done.err


def test_links_in_a_git_repository_are_not_followed(
    small: Path, opsvi: Run, tmp_path: Path, git: Callable[..., str]
) -> None:
    (small / "files" / "stolen.txt").symlink_to("/etc/passwd")
    git(small, "init", "-q")
    git(small, "add", ".")
    git(small, "commit", "-qm", "all")
    assert opsvi("new-library", "one", "--template", f"git+file://{small}", "--no-input").code == 0
    assert (tmp_path / "one/stolen.txt").read_text() == "/etc/passwd"


@pytest.mark.parametrize(
    "reference",
    ["git+ext::sh -c true", "git+file:///nowhere/at/all", "--upload-pack=x.git", "git+https://127.0.0.1:1/x"],
)
def test_a_repository_that_cannot_be_had(opsvi: Run, reference: str, tmp_path: Path) -> None:
    done = opsvi("new-library", "one", f"--template={reference}", "--no-input")
    assert done.code in (1, 2)
    assert len(done.err.splitlines()) <= 2
    assert not (tmp_path / "one").exists()


def test_what_is_not_there_is_said(opsvi: Run) -> None:
    done = opsvi("new-library", "one", "--template", "nothing", "--no-input")
    assert done.code == 1
    assert "there are: library, plugin" in done.err
    assert "there is no folder" in opsvi("new-library", "one", "--template", "./nothing", "--no-input").err


def test_of_a_plugin(small: Path, opsvi: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    site = tmp_path / "site"
    (site / "t_shapes").mkdir(parents=True)
    (site / "t_shapes" / "__init__.py").write_text("raise RuntimeError('a template needs no import')\n")
    shutil.copytree(small, site / "t_shapes" / "square")
    (site / "t_plugin.py").write_text(
        'from opsvi_cli.sdk import hookimpl\nOPSVI_API = "1.0"\n@hookimpl\ndef opsvi_register(registry):\n'
        '    registry.template("square", "t_shapes:square", help="Four sides")\n'
        '    registry.template("round", "t_shapes:../../etc", help="None")\n'
    )
    monkeypatch.syspath_prepend(str(site))
    env = {"OPSVI_PLUGINS": str(site / "t_plugin.py")}
    rows = {row["name"]: row for row in opsvi("new-library", "--list-templates", "--json", env=env).json}
    assert rows["plugin:square"]["summary"] == "A small one"
    assert "outside of its package" in rows["plugin:round"]["summary"]
    done = opsvi("new-library", "one", "--template", "plugin:square", "--no-input", env=env)
    assert done.code == 0, done.err
    assert 'template = "plugin:square"' in (tmp_path / "one/pyproject.toml").read_text()
