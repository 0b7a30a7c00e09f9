"""What a user may ask for, and what is refused before anything is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.install.asked import Options, read_asked, split_git
from opsvi_cli.plugin_host.install.record import parse_requirements


@pytest.mark.parametrize(
    ("text", "source", "requirement"),
    [
        ("opsvi-x", "name", "opsvi-x"),
        ("Opsvi_X[a,b] >=1, <2", "name", "Opsvi_X[a,b]<2,>=1"),
        ("git+https://h/r@v1#subdirectory=a", "git", "git+https://h/r@v1#subdirectory=a"),
        ("https://h/r.git", "git", "git+https://h/r.git"),
    ],
)
def test_forms(text: str, source: str, requirement: str) -> None:
    asked = read_asked(text, "/")
    assert (asked.source, asked.requirement) == (source, requirement)


def test_a_folder_is_one_only_when_it_is_written_as_one(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    assert read_asked("thing", str(tmp_path)).source == "name"
    assert read_asked("./thing", str(tmp_path)).requirement == str(tmp_path / "thing")
    with pytest.raises(UsageError, match="extras go with a name") as caught:
        read_asked("./thing[local]", str(tmp_path))
    assert "opsvi plugins install ./thing, then pip install './thing[local]'" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-r",
        "--index-url=x",
        "./none",
        "none.whl",
        "opsvi",
        "OPSVI>=9",
        "a b",
        "x @ https://h/x.whl",
        "ftp://h/x",
        "a\n",
    ],
)
def test_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_asked(text, str(tmp_path))
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_git_addresses() -> None:
    assert split_git("git+ssh://git@h/a/r@v1#subdirectory=x/y") == ("ssh://git@h/a/r", "v1", "x/y")
    for bad in (
        "git+ext::sh",
        "git+https://-h/x",
        "git+https://h/r@--upload-pack=x",
        "git+https://h/r#subdirectory=../x",
    ):
        with pytest.raises(OpsviError):
            split_git(bad)


def test_folders_of_wheels_are_made_absolute(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    options = Options(("wheels", "https://h/links")).resolved(str(tmp_path))
    assert options.find_links == (str(tmp_path / "wheels"), "https://h/links")


def test_requirements_files() -> None:
    text = "# mine\na==1\n\nb @ git+https://h/r#subdirectory=x  # isolated\n./c # note\n"
    assert parse_requirements(text) == [("a==1", False), ("b @ git+https://h/r#subdirectory=x", True), ("./c", False)]
    with pytest.raises(OpsviError, match="line 1: options"):
        parse_requirements("--index-url https://evil")
