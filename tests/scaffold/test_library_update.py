"""`opsvi library update`: three ways, and nothing that a user wrote is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scaffold_tree import tree

Run = Callable[..., Any]
LINES = "".join(f"line {n}\n" for n in range(1, 21))


@pytest.fixture
def template(write_template: Callable[..., Path], git: Callable[..., str]) -> Path:
    """A template in git, version 1.0: a text, a file that will go, one that will be changed."""
    root = write_template(
        "moving",
        {
            "pyproject.toml.jinja": '[project]\nname = {{ name | toml }}\ndependencies = ["one>=1"]\n',
            "text.txt": LINES,
            "old.txt": "old\n",
            "same.txt": "same\n",
            "bytes.bin": "\x00one",
        },
    )
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "1.0")
    return root


@pytest.fixture
def library(template: Path, opsvi: Run, tmp_path: Path) -> Path:
    done = opsvi("new-library", "ocean-data", "--template", f"git+file://{template}", "--no-input", "--git")
    assert done.code == 0, done.err
    return tmp_path / "ocean-data"


@pytest.fixture
def next_version(template: Path, git: Callable[..., str]) -> Callable[..., None]:
    """`next_version({path: text or None})`: a commit of the template with these files, version 1.1."""

    def call(files: dict[str, str | None], *, manifest: str = "") -> None:
        text = (template / "template.toml").read_text().replace('version = "1.0"', 'version = "1.1"')
        (template / "template.toml").write_text(text + manifest)
        for path, new in files.items():
            if new is None:
                (template / "files" / path).unlink()
            else:
                (template / "files" / path).write_text(new)
        git(template, "add", ".")
        git(template, "commit", "-qm", "1.1")

    return call


def _edit(library: Path, git: Callable[..., str], **files: str | None) -> None:
    for name, text in files.items():
        path = library / name.replace("__", ".")
        path.unlink() if text is None else path.write_text(text)
    git(library, "add", ".")
    git(library, "commit", "-qm", "mine")


def test_nothing_to_do(library: Path, opsvi: Run) -> None:
    done = opsvi("library", "update", library)
    assert (done.code, done.out) == (0, "")
    assert "nothing to do" in done.err


def test_what_the_user_left_alone_follows_the_template(library: Path, opsvi: Run, next_version: Run) -> None:
    next_version({"text.txt": LINES.replace("line 3\n", "LINE 3\n"), "old.txt": None, "new.txt": "new\n"})
    done = opsvi("library", "update", library, "--json")
    assert done.code == 0, done.err
    assert {row["path"]: row["action"] for row in done.json["files"]} == {
        "new.txt": "create", "old.txt": "delete", "pyproject.toml": "update", "text.txt": "update",
    }  # fmt: skip
    assert tree(library) == ["bytes.bin", "new.txt", "pyproject.toml", "same.txt", "text.txt"]
    assert 'version = "1.1"' in (library / "pyproject.toml").read_text()
    assert opsvi("library", "update", library).code == 2  # what it wrote is not committed


def test_edits_of_both_are_merged(library: Path, opsvi: Run, next_version: Run, git: Run) -> None:
    _edit(library, git, text__txt=LINES.replace("line 18\n", "my line 18\n"), same__txt="mine\n")
    next_version({"text.txt": LINES.replace("line 3\n", "LINE 3\n")})
    done = opsvi("library", "update", library)
    assert done.code == 0, done.err
    text = (library / "text.txt").read_text()
    assert "LINE 3\n" in text
    assert "my line 18\n" in text
    assert (library / "same.txt").read_text() == "mine\n"


def test_the_project_file_keeps_what_the_user_added_on_both_sides_of_the_record(
    library: Path, opsvi: Run, next_version: Run, git: Run
) -> None:
    import tomllib

    text = (library / "pyproject.toml").read_text()
    mine = text.replace('name = "ocean-data"\ndep', 'name = "ocean-data"\n# mine\nversion = "3.0"\ndep')
    _edit(library, git, pyproject__toml=mine + "\n[tool.mine]\nkeep = true\n")
    next_version({"text.txt": "short\n"})
    done = opsvi("library", "update", library)
    assert done.code == 0, done.err
    new = (library / "pyproject.toml").read_text()
    data = tomllib.loads(new)
    assert "# mine\n" in new
    assert data["project"]["version"] == "3.0"
    assert data["tool"]["mine"] == {"keep": True}
    assert data["tool"]["opsvi"]["library"]["version"] == "1.1"
    assert new.count("[tool.opsvi.library]") == 1


def test_clashes_are_marked_and_end_in_3(library: Path, opsvi: Run, next_version: Run, git: Run) -> None:
    _edit(library, git, text__txt=LINES.replace("line 3\n", "my line 3\n"))
    next_version({"text.txt": LINES.replace("line 3\n", "LINE 3\n")})
    done = opsvi("library", "update", library)
    assert done.code == 3
    assert "conflict\ttext.txt\t1 marked in the file" in done.out
    text = (library / "text.txt").read_text()
    for line in ("<<<<<<< yours", "my line 3", "||||||| template 1.0", "=======", "LINE 3", ">>>>>>> template 1.1"):
        assert f"{line}\n" in text
    git(library, "checkout", "-q", ".")
    assert "my line 3" in (library / "text.txt").read_text()


@pytest.mark.parametrize(
    ("mine", "theirs", "path", "words"),
    [
        ({"old__txt": "changed\n"}, {"old.txt": None}, "old.txt", "you changed it"),
        ({"old__txt": None}, {"old.txt": "newer\n"}, "old.txt", "you deleted it"),
        ({"bytes__bin": "\x00mine"}, {"bytes.bin": "\x00theirs"}, "bytes.bin", "it is not text"),
    ],
)
def test_what_cannot_be_merged_is_kept_as_it_is_and_said(
    library: Path, opsvi: Run, next_version: Run, git: Run, mine: Any, theirs: Any, path: str, words: str
) -> None:
    _edit(library, git, **mine)
    before = (library / path).read_bytes() if (library / path).exists() else None
    next_version(theirs)
    done = opsvi("library", "update", library, "--json")
    assert done.code == 3
    (row,) = [row for row in done.json["files"] if row["path"] == path]
    assert row["action"] == "kept"
    assert words in row["detail"]
    assert ((library / path).read_bytes() if (library / path).exists() else None) == before


def test_a_file_that_both_added(library: Path, opsvi: Run, next_version: Run, git: Run) -> None:
    _edit(library, git, new__txt="mine\n")
    next_version({"new.txt": "theirs\n"})
    assert opsvi("library", "update", library).code == 3
    text = (library / "new.txt").read_text()
    assert "mine\n" in text
    assert "theirs\n" in text


def test_a_dirty_tree_and_no_repository_are_refused(
    library: Path, opsvi: Run, next_version: Run, tmp_path: Path
) -> None:
    import shutil

    next_version({"text.txt": "short\n"})
    (library / "notes.txt").write_text("not committed")
    done = opsvi("library", "update", library)
    assert done.code == 2
    assert "notes.txt" in done.err
    shutil.rmtree(library / ".git")
    done = opsvi("library", "update", library)
    assert done.code == 2
    assert "in no git repository" in done.err
    assert (library / "text.txt").read_text() == LINES


def test_dry_run_writes_nothing(library: Path, opsvi: Run, next_version: Run, git: Run) -> None:
    next_version({"text.txt": "short\n"})
    done = opsvi("library", "update", library, "--dry-run")
    assert done.code == 0
    assert "update\ttext.txt" in done.out
    assert git(library, "status", "--porcelain") == ""


def test_a_new_question_is_asked_and_an_answer_can_be_changed(
    library: Path, opsvi: Run, next_version: Run, git: Run
) -> None:
    question = '\n[questions.colour]\nhelp = "Colour"\nchoices = ["red", "blue"]\n'
    next_version({"text.txt": "short\n"}, manifest=question)
    done = opsvi("library", "update", library)
    assert done.code == 2
    assert "-a colour=red|blue" in done.err
    assert opsvi("library", "update", library, "-a", "colour=blue").code == 0
    assert 'colour = "blue"' in (library / "pyproject.toml").read_text()


def test_without_the_recorded_template_every_difference_is_marked(
    library: Path, opsvi: Run, next_version: Run, git: Run, template: Path
) -> None:
    """The repository was made anew: the recorded commit is gone."""
    import shutil

    _edit(library, git, text__txt=LINES.replace("line 3\n", "my line 3\n"))
    shutil.rmtree(template / ".git")
    git(template, "init", "-q")
    next_version({"text.txt": LINES.replace("line 9\n", "LINE 9\n")})
    done = opsvi("library", "update", library)
    assert done.code == 3
    assert "cannot be had any more" in done.err
    text = (library / "text.txt").read_text()
    assert "my line 3\n" in text
    assert "LINE 9\n" in text
    assert "<<<<<<< yours" in text


def test_an_older_template_is_refused(library: Path, opsvi: Run, git: Run) -> None:
    text = (library / "pyproject.toml").read_text().replace('version = "1.0"', 'version = "2.0"')
    _edit(library, git, pyproject__toml=text)
    done = opsvi("library", "update", library)
    assert done.code == 1
    assert "version 2.0 of the template, here is 1.0" in done.err


def test_a_packaged_template_of_an_earlier_version_is_kept_with_the_package(
    opsvi: Run, tmp_path: Path, git: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`history/VERSION.zip` holds what the templates were: the base of the merge."""
    import zipfile

    packaged = tmp_path / "packaged"
    for name in ("library/files", "plugin/files", "features"):
        (packaged / name).mkdir(parents=True)
    manifest = 'summary = "x"\nversion = "{}"\n'
    for kind in ("library", "plugin"):
        (packaged / kind / "template.toml").write_text(manifest.format("1.0"))
    (packaged / "library/files/pyproject.toml.jinja").write_text('[project]\nname = "{{ name }}"\n')
    (packaged / "library/files/text.txt").write_text(LINES)
    from opsvi_cli.scaffold import project, templates

    monkeypatch.setattr(templates, "PACKAGED", packaged)
    monkeypatch.setattr(project, "PACKAGED", packaged)
    assert opsvi("new-library", "ocean-data", "--no-input", "--git").code == 0
    library = tmp_path / "ocean-data"
    _edit(library, git, text__txt=LINES.replace("line 18\n", "my line 18\n"))
    (packaged / "history").mkdir()
    with zipfile.ZipFile(packaged / "history" / "1.0.zip", "w") as archive:
        for path in sorted(path for path in packaged.rglob("*") if path.is_file() and path.suffix != ".zip"):
            archive.write(path, path.relative_to(packaged))
    (packaged / "library/template.toml").write_text(manifest.format("1.1"))
    (packaged / "library/files/text.txt").write_text(LINES.replace("line 3\n", "LINE 3\n"))
    assert opsvi("library", "info", library, "--json").json["latest"] == "1.1"
    done = opsvi("library", "update", library)
    assert done.code == 0, done.err
    text = (library / "text.txt").read_text()
    assert "LINE 3\n" in text
    assert "my line 18\n" in text


def test_info(library: Path, opsvi: Run, next_version: Run, git: Run) -> None:
    _edit(library, git, same__txt="mine\n", old__txt=None)
    next_version({"text.txt": "short\n"})
    record = opsvi("library", "info", library, "--json").json
    assert (record["version"], record["latest"]) == ("1.0", "1.1")
    assert (record["changed"], record["deleted"]) == (["same.txt"], ["old.txt"])
    text = opsvi("library", "info", library).out
    assert "1.1 is there: opsvi library update" in text
    assert "1 of the template's files: same.txt" in text


@pytest.mark.parametrize(
    "text",
    ["", "[tool.opsvi.library]\n", "[tool.opsvi]\nlibrary = 3\n", "not toml", "[tool.opsvi.library]\nname = 1\n"],
)
def test_what_opsvi_did_not_make_is_said_in_one_line(opsvi: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    for command in ("info", "check", "update"):
        done = opsvi("library", command)
        assert done.code in (1, 2)
        assert len(done.err.splitlines()) == 2, done.err
