"""Ignore files and globs."""

from __future__ import annotations

from pathlib import Path

from opsvi_cli.rag.ignore import Globs, IgnoreFiles


def test_own_ignore_file_counts_everywhere_and_gits_only_in_a_git_tree(tmp_path: Path) -> None:
    (tmp_path / ".opsviignore").write_text("*.bak\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    rules = IgnoreFiles.at(str(tmp_path))
    assert rules.ignored(str(tmp_path / "a.bak"), is_folder=False)
    assert not rules.ignored(str(tmp_path / "a.log"), is_folder=False)
    (tmp_path / ".git").mkdir()
    assert IgnoreFiles.at(str(tmp_path)).ignored(str(tmp_path / "a.log"), is_folder=False)


def test_deeper_files_overrule_and_take_back(tmp_path: Path) -> None:
    sub = tmp_path / "sub"
    sub.mkdir()
    (tmp_path / ".opsviignore").write_text("*.md\n")
    (sub / ".opsviignore").write_text("!keep.md\n")
    rules = IgnoreFiles.at(str(tmp_path)).below(str(sub))
    assert rules.ignored(str(sub / "other.md"), is_folder=False)
    assert not rules.ignored(str(sub / "keep.md"), is_folder=False)


def test_rules_from_above_hold_in_a_git_tree_unless_they_name_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n*.tmp\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "build").mkdir()
    assert IgnoreFiles.at(str(tmp_path / "src")).ignored(str(tmp_path / "src/a.tmp"), is_folder=False)
    asked_for = IgnoreFiles.at(str(tmp_path / "build"))
    assert not asked_for.ignored(str(tmp_path / "build/a.md"), is_folder=False)


def test_lines_that_are_no_pattern_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".opsviignore").write_bytes(b"# comment\n\n!\n\xff\xfe\n*.bak\n")
    assert IgnoreFiles.at(str(tmp_path)).ignored(str(tmp_path / "a.bak"), is_folder=False)


def test_an_ignore_file_that_is_a_link_or_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("*\n")
    (tmp_path / ".opsviignore").symlink_to(tmp_path / "real")
    assert not IgnoreFiles.at(str(tmp_path)).ignored(str(tmp_path / "a"), is_folder=False)
    (tmp_path / ".opsviignore").unlink()
    (tmp_path / ".opsviignore").mkdir()
    assert not IgnoreFiles.at(str(tmp_path)).ignored(str(tmp_path / "a"), is_folder=False)


def test_globs() -> None:
    globs = Globs(["*.md", "notes/*.txt"], ["draft*", "old/"])
    assert globs.takes("a/b.md", is_folder=False)
    assert globs.takes("notes/x.txt", is_folder=False)
    assert not globs.takes("x.txt", is_folder=False)
    assert not globs.takes("a/draft1.md", is_folder=False)
    assert not globs.takes("old", is_folder=True)
    assert globs.takes("anything", is_folder=True)
    assert Globs([], []).takes("x", is_folder=False)
