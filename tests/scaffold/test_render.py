"""Templates are data: what a hostile one tries, and what it gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.foundation.bounded import Limits
from opsvi_cli.scaffold.manifest import TemplateError
from opsvi_cli.scaffold.render import python_string, render, render_text, toml_string

SCOPE = {"name": "x", "features": [{"name": "one", "module": "one"}, {"name": "two", "module": "two"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def call(**files: str) -> Path:
        root = tmp_path / "files"
        root.mkdir()
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    return call


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ name['__class__'] }}",
        "{{ name | attr('__class__') }}",
        "{{ ''.format.__globals__ }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum() }}",
        "{{ [1, 2] | random }}",
        "{{ features.append(1) }}",
        "{{ nothing_of_that_name }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ range(10000000) | list }}",
        "{% if %}",
        "{{ name.nothing.more }}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_reaches_out_is_an_error(text: str) -> None:
    with pytest.raises(TemplateError, match=r"^a\.jinja"):
        render_text(text, SCOPE, "a.jinja")


@pytest.mark.parametrize(
    "name",
    [
        "{{ '..' }}",
        "{{ '../out' }}",
        "{{ '/etc/passwd' }}",
        "{{ 'a/b' }}",
        "{{ 'a\\\\b' }}",
        "{{ '.git' }}",
        "{{ '.GIT' }}",
        "{{ 'C:x' }}",
        "{{ 'nul.txt' }}",
        "{{ 'x ' }}",
        "{{ 'x.' }}",
        "{{ 'x' * 300 }}",
        "{{ 'a\\nb' }}",
        "{{ 'a\\x00b' }}",
    ],
)
def test_no_path_leaves_the_folder(name: str, tmp_path: Path) -> None:
    # A slash cannot stand in a file's name: the template folder carries it as a variable's value here.
    root = tmp_path / "files"
    root.mkdir()
    (root / "{{ bad }}").write_text("")
    bad = render_text(name, SCOPE, "name")
    with pytest.raises(TemplateError, match="may not write to"):
        render([root], {**SCOPE, "bad": bad})


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "a").symlink_to("/etc/passwd")
    with pytest.raises(TemplateError, match="is a link"):
        render([root], SCOPE)
    (root / "a").unlink()
    import os

    os.mkfifo(root / "pipe")
    with pytest.raises(TemplateError, match="no regular file"):
        render([root], SCOPE)


def test_links_to_folders_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "etc").symlink_to("/etc")
    with pytest.raises(TemplateError, match="is a link"):
        render([root], SCOPE)


def test_two_files_cannot_have_one_name(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root, name in ((one, "README.md"), (two, "Readme.md")):
        root.mkdir()
        (root / name).write_text("")
    with pytest.raises(TemplateError, match="two files"):
        render([one, two], SCOPE)


def test_a_file_cannot_be_a_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    (two / "a").mkdir(parents=True)
    one.mkdir()
    (one / "a").write_text("")
    (two / "a" / "b").write_text("")
    with pytest.raises(TemplateError, match="a file and a folder"):
        render([one, two], SCOPE)


def test_a_file_for_each_feature_and_none_for_an_empty_name(folder: Callable[..., Path]) -> None:
    root = folder(**{"{{ feature.module }}/x.txt.jinja": "{{ feature.name }}", "{% if false %}y{% endif %}": "no"})
    assert [(file.path, file.data) for file in render([root], SCOPE)] == [("one/x.txt", b"one"), ("two/x.txt", b"two")]


def test_a_file_that_is_not_a_template_is_copied_as_it_is(folder: Callable[..., Path]) -> None:
    assert render([folder(a="{{ nothing }}")], SCOPE)[0].data == b"{{ nothing }}"


def test_output_is_bounded(folder: Callable[..., Path]) -> None:
    root = folder(**{"a.jinja": "{% for a in range(3000) %}{{ 'x' * 1000 }}{% endfor %}"})
    with pytest.raises(TemplateError, match="more than"):
        render([root], SCOPE)


@pytest.mark.parametrize("text", ['a"b', "it's", "back\\slash", "ünïcødé", "{{ x }}", '"\'"', "\x7f", ""])
def test_strings_are_quoted_for_the_language_they_stand_in(text: str) -> None:
    import ast
    import tomllib

    assert tomllib.loads(f"a = {toml_string(text)}")["a"] == text
    assert ast.literal_eval(python_string(text)) == text


class TestBombs:
    """A template that does not end, or eats memory, ends in one line and leaves nothing."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limits = Limits(cpu_seconds=1, memory_bytes=600_000_000)
        monkeypatch.setattr("opsvi_cli.scaffold.bounded.LIMITS", limits)

    @pytest.mark.parametrize(
        "text",
        [
            "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}",
            "{{ 'x' * 10000000000 }}",
            "{{ 2 ** 99999999999 }}",
            "{{ '%999999999999d' % 1 }}",
            "{{ 'x' | center(99999999999) }}",
        ],
    )
    def test_bomb(
        self, text: str, write_template: Callable[..., Path], opsvi: Callable[..., Any], tmp_path: Path
    ) -> None:
        root = write_template("bomb", {"a.txt.jinja": text})
        done = opsvi("new-library", "ocean-data", "--template", root, "--no-input")
        assert done.code == 1
        assert done.err.count("\n") <= 2, done.err
        assert "Traceback" not in done.err
        assert not [path for path in tmp_path.iterdir() if "ocean-data" in path.name]
