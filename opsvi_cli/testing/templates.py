"""The contract of a template of `opsvi new-library`: a folder with `template.toml`, rendered as the command does it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError

from .contract import Contract, describe, show

if TYPE_CHECKING:
    from opsvi_cli.scaffold.manifest import Manifest, Question
    from opsvi_cli.scaffold.render import File
    from opsvi_cli.scaffold.templates import Template

NAME = "contract-library"
FEATURES = ("tide-table", "buoy")
_SAMPLES = {"line": "Some words", "word": "word", "email": "me@example.org", "url": "https://example.org/x"}


def check_template(folder: Path | str) -> None:
    """Hold a template to its contract: it renders with default answers, to safe paths, to the same bytes again.

    A name that is not defined is an error. Nothing is written and no hook runs. Raises ContractError.
    """
    from opsvi_cli.context import AppContext
    from opsvi_cli.scaffold.templates import open_template

    root = Path(folder).absolute()
    with Contract(f"the template {root.name}") as contract:
        try:
            with open_template(AppContext(stdin=None), str(root)) as template:
                for answers, features in _ways(template.manifest):
                    _render(contract, template, answers, features)
        except OpsviError as error:
            contract.expect(False, "a template must be one that can be read", error.message)


def _ways(manifest: Manifest) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Answers and features to render with: every layer, without and with features."""
    answers = {question.name: _answer(question) for question in manifest.questions}
    layers = next((question.choices for question in manifest.questions if question.name == manifest.layers), ())
    for layer, features in itertools.product(layers or ("",), ((), FEATURES) if manifest.features else ((),)):
        yield ({**answers, manifest.layers: layer} if layer else answers), features


def _answer(question: Question) -> str:
    if question.default is not None:
        return question.default
    return question.choices[0] if question.choices else _SAMPLES[question.format]


def _render(contract: Contract, template: Template, answers: dict[str, str], features: tuple[str, ...]) -> None:
    from opsvi_cli.scaffold.create import render_all

    what = f"rendering with {show(answers)}" + (f" and the features {', '.join(features)}" if features else "")
    try:
        files = render_all(template, NAME, features, [], answers)
        again = render_all(template, NAME, features, [], answers)
    except OpsviError as error:
        contract.expect(False, f"{what} must work", error.message)
        return
    contract.expect(files == again, "the same answers must give the same bytes", f"{what} gave others")
    contract.expect(len(files) > 1, "a template must give files", f"{what} gave {len(files)}")
    for file in files:
        _valid(contract, file)


def _valid(contract: Contract, file: File) -> None:
    """What Python or its tools could not even read was rendered wrong."""
    promise = f"{file.path} must be what its name says"
    try:
        if file.path.endswith(".py"):
            compile(file.data, file.path, "exec", dont_inherit=True)
        elif file.path.endswith(".toml"):
            tomllib.loads(file.data.decode())
    except (SyntaxError, ValueError) as error:
        contract.expect(False, promise, describe(error))
