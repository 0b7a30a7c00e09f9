"""`check_template` bites: one wrong template for each promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.testing import check_template

GOOD = {
    "template.toml": """
summary = "A little library"
version = "1"
features = true
layers = "part"

[questions.description]
help = "One line"
default = "Does something"

[questions.author]
help = "Who"

[questions.part]
help = "Which"
choices = ["tool", "store"]
""",
    "files/{{ package }}/__init__.py.jinja": '"""{{ description }}, by {{ author }}."""\n',
    "files/{{ package }}/{{ feature.module }}.py.jinja": "NAME = {{ feature.name | string | tojson }}\n",
    "files/pyproject.toml.jinja": '[project]\nname = "{{ name }}"\n',
    "layers/tool/kind.txt": "a tool\n",
    "layers/store/kind.txt.jinja": "{{ title }}\n",
}


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """A template of these files."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "template" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "template"

    return write


def test_a_good_one(make: Callable[..., Path]) -> None:
    check_template(make(GOOD))


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "undefined": ({"files/a.txt.jinja": "{{ colour }}"}, "rendering with {'description': 'Does something'"),
    "undefined in a layer": ({"layers/store/b.txt.jinja": "{{ colour }}"}, "'part': 'store'} must work; "),
    "undefined with features": (
        {"files/{{ feature.module }}.txt.jinja": "{{ feature.colour }}"},
        "and the features tide-table, buoy must work; ",
    ),
    "attributes": ({"files/a.txt.jinja": "{{ ''.__class__.__mro__ }}"}, "must work; "),
    "leaves the folder": (
        {"files/{{ description }}.txt.jinja": "", "template.toml": ""},
        "must be one that can be read",
    ),
    "an unsafe path": ({"files/{{ '..' }}/x.txt.jinja": "x"}, "must work; "),
    "broken Python": ({"files/x.py.jinja": "def {{ name }}:\n"}, "x.py must be what its name says; SyntaxError"),
    "broken TOML": ({"files/x.toml.jinja": "{{ name }} =\n"}, "x.toml must be what its name says; TOMLDecodeError"),
    "a question nobody knows": ({"template.toml": 'summary = "x"\nversion = "1"\nlayers = "x"\n'}, "can be read; "),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_templates(name: str, make: Callable[..., Path], broken: Callable[..., Any]) -> None:
    files, words = WRONG[name]
    found = broken(check_template, make({**GOOD, **files}))
    assert any(words in sentence for sentence in found), found


def test_a_folder_without_files(make: Callable[..., Path], broken: Callable[..., Any]) -> None:
    folder = make({"template.toml": 'summary = "x"\nversion = "1"\n'})
    (folder / "files").mkdir()
    (found,) = broken(check_template, folder)
    assert found.startswith("a template must give files; rendering with {} gave")


def test_a_folder_that_is_not_there(tmp_path: Path, broken: Callable[..., Any]) -> None:
    (found,) = broken(check_template, tmp_path / "nothing")
    assert found.startswith("a template must be one that can be read; there is no folder")


def test_other_bytes_for_the_same_answers(
    make: Callable[..., Path], broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from itertools import count

    from opsvi_cli.scaffold import create
    from opsvi_cli.scaffold.render import File

    numbers = count()
    real = create.render_all
    monkeypatch.setattr(create, "render_all", lambda *given: [*real(*given), File("n", str(next(numbers)).encode())])
    (found,) = broken(check_template, make(GOOD))
    assert found.startswith("the same answers must give the same bytes; rendering with")
