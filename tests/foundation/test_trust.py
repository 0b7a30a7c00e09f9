"""A project's own settings file is hostile until the user has accepted exactly its content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.settings import Settings, load_settings
from opsvi_cli.foundation.trust import nearest, trust, untrust

HOSTILE = """
collection = "docs"
model = "evil/x"
embedder = "evil"
[providers.openai]
base_url = "http://evil.example/v1"
api_key = "cmd:touch {pwned}"
[plugins]
disabled = ["guard"]
[log]
file = "/etc/x"
[http]
proxy = "http://evil.example"
allow_private = true
[ingest]
include = ["../../**"]
exclude = ["*.tmp"]
memory_bytes = 999999999999
"""


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def load(make_app: Callable[..., AppContext], warnings: list[str]) -> Callable[[Path], Settings]:
    def call(cwd: Path) -> Settings:
        app = make_app(cwd=cwd)
        return load_settings(app.paths, app.env, cwd=str(cwd), file=None, profile=None, warn=warnings.append)

    return call


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "opsvi.toml").write_text(HOSTILE.format(pwned=tmp_path / "pwned"))
    return folder


def accept(make_app: Callable[..., AppContext], folder: Path) -> None:
    app = make_app(cwd=folder)
    trust(nearest(app.cwd, app.env, app.paths), app.paths, app.now())


def test_only_harmless_settings_are_taken(
    load: Callable[[Path], Settings], project: Path, warnings: list[str], tmp_path: Path
) -> None:
    settings = load(project)
    assert settings.collection == "docs"
    assert settings.ingest.exclude == ["*.tmp"]
    assert (settings.model, settings.embedder, settings.log.file, settings.http.proxy) == ("", "wordllama", "", "")
    assert settings.providers == {}
    assert settings.plugins.disabled == []
    assert settings.ingest.include == []
    assert settings.http.allow_private is False
    assert settings.ingest.memory_bytes == 2_000_000_000
    assert len(warnings) == 1
    assert "\n" not in warnings[0]
    assert "opsvi config trust" in warnings[0]
    for name in ("model", "providers.openai.base_url", "providers.openai.api_key", "plugins.disabled", "log.file"):
        assert name in warnings[0]
    assert not (tmp_path / "pwned").exists()


def test_trust_holds_for_this_content_only(
    make_app: Callable[..., AppContext], load: Callable[[Path], Settings], project: Path, warnings: list[str]
) -> None:
    accept(make_app, project)
    assert load(project).model == "evil/x"
    assert warnings == []
    with (project / "opsvi.toml").open("a") as file:
        file.write("# changed\n")
    assert load(project).model == ""
    assert len(warnings) == 1


def test_a_trusted_file_copied_elsewhere_is_not_trusted(
    make_app: Callable[..., AppContext], load: Callable[[Path], Settings], project: Path, tmp_path: Path
) -> None:
    accept(make_app, project)
    other = tmp_path / "other"
    other.mkdir()
    (other / "opsvi.toml").write_bytes((project / "opsvi.toml").read_bytes())
    assert load(other).model == ""


def test_untrust(make_app: Callable[..., AppContext], load: Callable[[Path], Settings], project: Path) -> None:
    accept(make_app, project)
    app = make_app(cwd=project)
    assert untrust(project / "opsvi.toml", app.paths) is True
    assert untrust(project / "opsvi.toml", app.paths) is False
    assert load(project).model == ""


def test_records_are_private_and_a_damaged_record_trusts_nobody(
    make_app: Callable[..., AppContext], load: Callable[[Path], Settings], project: Path
) -> None:
    accept(make_app, project)
    record = make_app().paths.trust_file
    assert record.stat().st_mode & 0o777 == 0o600
    record.write_text('{"files": 3}')
    assert load(project).model == ""
    record.write_text("{")
    assert load(project).model == ""


def test_a_link_is_never_read_and_never_trusted(
    make_app: Callable[..., AppContext],
    load: Callable[[Path], Settings],
    project: Path,
    tmp_path: Path,
    warnings: list[str],
) -> None:
    accept(make_app, project)
    link = tmp_path / "linked"
    link.mkdir()
    (link / "opsvi.toml").symlink_to(project / "opsvi.toml")
    settings = load(link)
    assert (settings.model, settings.collection) == ("", "default")
    assert "symbolic link" in warnings[0]
    app = make_app(cwd=link)
    with pytest.raises(UsageError, match="symbolic link"):
        trust(nearest(app.cwd, app.env, app.paths), app.paths, app.now())


def test_a_dangling_link_still_ends_the_search(
    load: Callable[[Path], Settings], project: Path, warnings: list[str]
) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "opsvi.toml").symlink_to("/nowhere")
    assert load(inner).collection == "default"
    assert "symbolic link" in warnings[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang_and_a_huge_file_is_not_read(
    load: Callable[[Path], Settings], tmp_path: Path, warnings: list[str]
) -> None:
    folder = tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(folder / "opsvi.toml")
    assert load(folder).collection == "default"
    big = tmp_path / "big"
    big.mkdir()
    (big / "opsvi.toml").write_text("collection = 'x'\n" + "#" * 1_100_000)
    assert load(big).collection == "default"
    assert "not a regular file" in warnings[0]
    assert "larger" in warnings[1]


@pytest.mark.parametrize(
    "glob", ["/etc/**", "../up/*", "a/../../b", "~/x", "C:\\x", "\\\\host\\share", "a\\..\\..\\b", "!/etc/*", "cmd:id"]
)
def test_globs_that_leave_the_tree(load: Callable[[Path], Settings], tmp_path: Path, glob: str) -> None:
    (tmp_path / "opsvi.toml").write_text(f"[ingest]\nexclude = ['ok/*.md', {glob!r}]\n")
    assert load(tmp_path).ingest.exclude == []


def test_a_profile_of_an_untrusted_project_is_held_back_too(
    make_app: Callable[..., AppContext], tmp_path: Path
) -> None:
    (tmp_path / "opsvi.toml").write_text('[profiles.p]\nmodel = "evil/x"\ncollection = "docs"\n')
    app = make_app()
    settings = load_settings(app.paths, app.env, cwd=app.cwd, file=None, profile="p", warn=lambda _line: None)
    assert (settings.model, settings.collection) == ("", "docs")


def test_names_in_the_file_cannot_speak_to_the_terminal(
    load: Callable[[Path], Settings], tmp_path: Path, warnings: list[str]
) -> None:
    (tmp_path / "opsvi.toml").write_text('[providers."a\\u001b[2Jb\\nhint: run rm"]\nbase_url = "x"\n')
    load(tmp_path)
    assert "\x1b" not in warnings[0]
    assert "\n" not in warnings[0]


def test_the_real_program_says_it_once_on_stderr(opsvi_process: Callable[..., object], project: Path) -> None:
    result = opsvi_process("config", "get", "model", cwd=project)
    assert result.out == "\n"
    assert result.err.count("config trust") == 1
