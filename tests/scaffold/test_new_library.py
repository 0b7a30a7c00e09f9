"""`opsvi new-library` as a user meets it: names, answers, where it writes, and what an error leaves behind."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scaffold_tree import tree

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


@pytest.fixture
def make(opsvi: Run, small: Path) -> Run:
    """`make("ocean-data", ...)`: new-library with the small template, nobody to ask."""
    return lambda name, *args, **options: opsvi(
        "new-library", name, "--template", small, "--no-input", *args, **options
    )


def test_the_files_are_made(make: Run, tmp_path: Path) -> None:
    done = make("ocean-data", "--feature", "tide-table", "--feature", "wind")
    assert done.code == 0, done.err
    root = tmp_path / "ocean-data"
    assert tree(root) == [
        "MIT.txt", "data.bin", "ocean_data/__init__.py", "ocean_data/tide_table/base.py", "ocean_data/wind/base.py",
        "pyproject.toml", "run.sh",
    ]  # fmt: skip
    assert "class TideTable:" in (root / "ocean_data/tide_table/base.py").read_text()
    assert (root / "data.bin").read_bytes() == b"\x00\x01{{ not rendered }}"
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "MIT.txt").stat().st_mode) == 0o644
    assert "    base.py\n" in done.out
    assert "made" in done.err


def test_the_same_answers_give_the_same_bytes(make: Run, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert make("ocean-data", "--into", folder, "-a", "description=Tides").code == 0
    one, two = tmp_path / "one" / "ocean-data", tmp_path / "two" / "ocean-data"
    assert tree(one) == tree(two)
    assert all((one / path).read_bytes() == (two / path).read_bytes() for path in tree(one))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Ocean Data", "ocean-data"),
        ("OceanData", "ocean-data"),
        ("9lives", "lives"),
        ("a--b", "a-b"),
        ("-x", "--help"),
        ("../up", "up"),
        ("a/b", "a-b"),
        ("class", "class-tools"),
        ("match", "match-tools"),
        ("json", "json-tools"),
        ("opsvi", "opsvi-tools"),
        ("tests", "tests-tools"),
        ("con", "con-tools"),
        ("x" * 61, "x" * 60),
        ("é", "ocean-data"),
        ("", "ocean-data"),
    ],
)
def test_bad_and_reserved_names_are_refused_in_one_line(make: Run, name: str, hint: str, tmp_path: Path) -> None:
    done = make(name)
    assert done.code == 2
    assert done.err.splitlines()[0].startswith("opsvi: ")
    assert hint in done.err.splitlines()[1]
    assert len(done.err.splitlines()) == 2
    assert not list(tmp_path.glob("*ocean*"))


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [
        ("opsvi-openai", "provider", "opsvi has a provider 'openai' itself"),
        ("opsvi-search", "command", "opsvi has a command 'search' itself"),
        ("opsvi-local", "store", "opsvi has a store 'local' itself"),
        ("opsvi-x", "secret-store", "two letters at least"),
    ],
)
def test_a_plugin_is_not_called_like_a_part_of_opsvi(
    name: str, part: str, words: str, opsvi: Run, tmp_path: Path
) -> None:
    done = opsvi("new-library", name, "--kind", "plugin", "--part", part, "--no-input")
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("names", [["core"], ["x", "x"], ["a-b", "a_b"], ["Tide"], ["ocean-data"], ["import"]])
def test_features_that_clash_are_refused(make: Run, names: list[str], tmp_path: Path) -> None:
    done = make("ocean-data", *(word for name in names for word in ("--feature", name)))
    assert done.code == 2
    assert not (tmp_path / "ocean-data").exists()


class TestAnswers:
    def test_from_a_file_stdin_and_flags(self, make: Run, tmp_path: Path) -> None:
        (tmp_path / "answers.toml").write_text('description = "From a file"\nlicense = "BSD-3-Clause"\n')
        assert make("one", "--answers", "answers.toml", "-a", "description=From a flag").code == 0
        assert "From a flag" in (tmp_path / "one/pyproject.toml").read_text()
        assert not (tmp_path / "one/MIT.txt").exists()
        assert make("two", "--answers", "-", stdin='{"description": "From stdin"}').code == 0
        assert "From stdin" in (tmp_path / "two/pyproject.toml").read_text()

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["-a", "licence=MIT"], "did you mean 'license'?"),
            (["-a", "zzz=1"], "it asks for: description, license, email"),
            (["-a", "license=GPL"], "'GPL' is none of MIT, BSD-3-Clause"),
            (["-a", "email=nobody"], "is not an e-mail address"),
            (["-a", "email=a..b@example.org"], "is not an e-mail address"),
            (["-a", "email=a,b@example.org"], "is not an e-mail address"),
            (["-a", "description=a\nb"], "one line of at most 1000 characters"),
            (["-a", "description=" + "x" * 1001], "one line of at most 1000 characters"),
            (["-a", "description"], "not of the form KEY=VALUE"),
            (["--answers", "nothing.toml"], "No such file"),
            (["--year", "26"], "is not a year"),
            (["--kind", "library"], "leave one of them out"),
            (["--with", "retry"], "takes no --with"),
        ],
    )
    def test_what_does_not_fit_is_refused_in_one_line(
        self, make: Run, args: list[str], words: str, tmp_path: Path
    ) -> None:
        done = make("ocean-data", *args)
        assert done.code == 2
        assert words in done.err
        assert len(done.err.splitlines()) == 2
        assert not (tmp_path / "ocean-data").exists()

    @pytest.mark.parametrize("text", ["[", "{", "a = ", '{"description": 1}', "description = ['x']", "[description]"])
    def test_a_file_that_cannot_be_read_is_refused(self, make: Run, text: str) -> None:
        done = make("ocean-data", "--answers", "-", stdin=text)
        assert (done.code, len(done.err.splitlines())) == (2, 2)

    def test_an_answer_cannot_break_out_of_its_string(self, make: Run, tmp_path: Path) -> None:
        import ast
        import tomllib

        text = 'quo"te \\ \' {{ name }} {% raw %} """ ü'
        assert make("ocean-data", "-a", f"description={text}").code == 0
        assert tomllib.loads((tmp_path / "ocean-data/pyproject.toml").read_text())["project"]["description"] == text
        module = ast.parse((tmp_path / "ocean-data/ocean_data/__init__.py").read_text())
        assert ast.literal_eval(module.body[1].value) == text  # type: ignore[attr-defined]

    def test_what_was_not_given_has_its_default_and_what_has_none_must_be_given(
        self, write_template: Callable[..., Path], opsvi: Run
    ) -> None:
        manifest = 'summary = "x"\nversion = "1"\n[questions.part]\nhelp = "Which"\nchoices = ["a", "b"]\n'
        root = write_template("must", {"x": ""}, manifest=manifest)
        done = opsvi("new-library", "ocean-data", "--template", root, "--no-input")
        assert done.code == 2
        assert "hint: --part a|b" in done.err
        assert opsvi("new-library", "ocean-data", "--template", root, "--no-input", "--part", "a").code == 0


class TestWhereItWrites:
    def test_a_folder_with_something_in_it_is_left_alone(self, make: Run, tmp_path: Path) -> None:
        (tmp_path / "ocean-data").mkdir()
        (tmp_path / "ocean-data" / "mine.txt").write_text("mine")
        done = make("ocean-data")
        assert done.code == 2
        assert "is not empty" in done.err
        assert tree(tmp_path / "ocean-data") == ["mine.txt"]

    def test_an_empty_folder_is_used(self, make: Run, tmp_path: Path) -> None:
        (tmp_path / "ocean-data").mkdir()
        assert make("ocean-data").code == 0

    def test_a_file_or_a_link_is_in_the_way(self, make: Run, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "ocean-data").symlink_to(tmp_path / "real")
        assert make("ocean-data").code == 2
        assert make("ocean-data", "--force").code == 2
        assert tree(tmp_path / "real") == []

    def test_force_wants_a_clean_git_tree(self, make: Run, tmp_path: Path, git: Callable[..., str]) -> None:
        root = tmp_path / "ocean-data"
        root.mkdir()
        (root / "run.sh").write_text("mine\n")
        assert "in no git repository" in make("ocean-data", "--force").err
        git(root, "init", "-q")
        assert "changes that git does not have: run.sh" in make("ocean-data", "--force").err
        git(root, "add", ".")
        git(root, "commit", "-qm", "mine")
        (root / "notes.txt").write_text("untracked\n")
        assert make("ocean-data", "--force").code == 2
        (root / "notes.txt").unlink()
        assert make("ocean-data", "--force").code == 0
        assert (root / "run.sh").read_text() != "mine\n"
        assert git(root, "show", "HEAD:run.sh") == "mine\n"

    def test_an_error_half_way_through_force_puts_everything_back(
        self, make: Run, tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from opsvi_cli.scaffold import place

        root = tmp_path / "ocean-data"
        root.mkdir()
        (root / "data.bin").write_bytes(b"mine")
        git(root, "init", "-q")
        git(root, "add", ".")
        git(root, "commit", "-qm", "mine")
        real = place.write_atomic

        def fails(path: Path, content: bytes, *, mode: int) -> None:
            if path.name == "run.sh":
                raise OSError(28, "No space left on device", str(path))
            real(path, content, mode=mode)

        monkeypatch.setattr(place, "write_atomic", fails)
        done = make("ocean-data", "--force")
        assert done.code == 1
        assert "No space left" in done.err
        assert git(root, "status", "--porcelain") == ""

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
    def test_nothing_is_there_after_an_error_or_ctrl_c(
        self, make: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any
    ) -> None:
        before = sorted(tmp_path.iterdir())

        def fails(*_: object) -> None:
            raise error

        monkeypatch.setattr("opsvi_cli.scaffold.place.move", fails)
        done = make("ocean-data", "--into", "new/folder")
        assert done.code == (130 if error is KeyboardInterrupt else 1)
        assert sorted(tmp_path.iterdir()) == before

    def test_dry_run_and_diff_write_nothing(self, make: Run, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        assert "ocean_data/" in make("ocean-data", "--dry-run").out
        diff = make("ocean-data", "--diff").out
        assert "--- /dev/null\n+++ b/pyproject.toml\n" in diff
        assert "Binary" not in diff.split("data.bin")[0]
        assert sorted(tmp_path.rglob("*")) == before

    def test_json_has_every_file_with_its_hash(self, make: Run, tmp_path: Path) -> None:
        import hashlib

        plan = make("ocean-data", "--dry-run", "--json").json
        done = make("ocean-data", "--json")
        record = done.json
        schema = json.loads((GOLDEN / "new-library.schema.json").read_text())
        jsonschema.validate(record, schema)
        assert plan["files"] == record["files"]
        assert (plan["written"], record["written"]) == (False, True)
        for row in record["files"]:
            assert hashlib.sha256((tmp_path / "ocean-data" / row["path"]).read_bytes()).hexdigest() == row["sha256"]
        assert list(make("other", "--json=path,files").json) == ["path", "files"]

    def test_git_makes_one_commit(self, make: Run, tmp_path: Path, git: Callable[..., str]) -> None:
        assert make("ocean-data", "--git").code == 0
        root = tmp_path / "ocean-data"
        assert git(root, "log", "--format=%an %s") == "Ana Novak Start ocean-data\n"
        assert git(root, "status", "--porcelain") == ""

    def test_git_without_an_identity_stages(self, make: Run, tmp_path: Path, git: Callable[..., str]) -> None:
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("")
        done = make("ocean-data", "--git")
        assert done.code == 0
        assert "git does not know who you are" in done.err
        assert "A  run.sh" in git(tmp_path / "ocean-data", "status", "--porcelain")
