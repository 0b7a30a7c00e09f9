"""A small template that uses everything the engine has, and a git that knows who commits."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MANIFEST = """\
summary = "A small one"
version = "1.0"
features = true
{more}

[questions.description]
help = "One line"
default = "A thing"

[questions.license]
help = "Licence"
default = "MIT"
choices = ["MIT", "BSD-3-Clause"]

[questions.email]
help = "E-mail"
default = ""
format = "email"
"""
FILES = {
    "pyproject.toml.jinja": "[project]\nname = {{ name | toml }}\ndescription = {{ description | toml }}\n",
    "{{ package }}/__init__.py.jinja": '"""{{ title }}."""\n\nABOUT = {{ description | py }}\n',
    "{{ package }}/{{ feature.module }}/base.py.jinja": "class {{ feature.class_name }}:\n    pass\n",
    "{% if license == 'MIT' %}MIT.txt{% endif %}.jinja": "MIT, {{ author }}\n",
    "run.sh": "#!/bin/sh\necho hello\n",
    "data.bin": "\x00\x01{{ not rendered }}",
}


@pytest.fixture(autouse=True)
def git_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """git of these tests has a name, and reads nobody's configuration."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ana Novak\nemail = ana@example.org\n[init]\ndefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def write_template(tmp_path: Path) -> Callable[..., Path]:
    """`write_template("name", {path: text}, more="...")`: a template folder; without files the small one."""

    def call(
        name: str = "small", files: Mapping[str, str] | None = None, *, more: str = "", manifest: str = ""
    ) -> Path:
        root = tmp_path / "templates" / name
        root.mkdir(parents=True, exist_ok=True)
        (root / "template.toml").write_text(manifest or MANIFEST.format(more=more))
        for path, text in (FILES if files is None else files).items():
            place = root / "files" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            if path.endswith(".sh"):
                place.chmod(0o755)
        (root / "files").mkdir(exist_ok=True)
        return root

    return call


@pytest.fixture
def small(write_template: Callable[..., Path]) -> Path:
    return write_template()


@pytest.fixture
def git() -> Callable[..., str]:
    """`git(folder, "status", ...)`: what it prints; a failure fails the test."""

    def call(folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call
