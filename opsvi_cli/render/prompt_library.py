"""The prompt library as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError

from .output import message, show_record, show_rows

if TYPE_CHECKING:
    from opsvi_cli.llm.prompt_library import Found
    from opsvi_cli.llm.prompt_template import PromptTemplate

LIST = ("name", "origin", "description", "variables", "steps", "path", "error")
SHOW = ("name", "origin", "path", "description", "variables", "steps", "source")
CHECK = ("name", "origin", "path", "ok", "problems")


def show_list(app: AppContext, found: Sequence[Found]) -> None:
    """A line for each template; one that cannot be used says so in place of its description."""
    rows = [_row(item) for item in found]
    shown = [{**row, "description": row["description"] or row["error"]} for row in rows]
    show_rows(
        app,
        rows if app.options.machine else shown,
        LIST,
        columns=("name", "origin", "description", "variables"),
        empty="there is no template",
    )


def _row(found: Found) -> dict[str, Any]:
    row: dict[str, Any] = {"name": found.name, "origin": found.origin, "path": str(found.path)}
    try:
        template = found.load()
    except OpsviError as error:
        return {**row, "description": "", "variables": [], "steps": [], "error": error.message}
    variables = [variable.name for variable in template.variables]
    steps = [step.name for step in template.steps if step.name]
    return {**row, "description": template.description, "variables": variables, "steps": steps, "error": None}


def show_template(app: AppContext, template: PromptTemplate) -> None:
    """The source for people; all that is in it for programs."""
    record = {
        "name": template.name,
        "origin": template.origin,
        "path": str(template.path),
        "description": template.description,
        "variables": [{**asdict(item), "choices": list(item.choices)} for item in template.variables],
        "steps": [asdict(step) for step in template.steps],
        "source": template.source,
    }
    show_record(app, record, lambda: template.source, fields=SHOW)


def show_checks(app: AppContext, results: Sequence[tuple[Found, list[str]]]) -> None:
    """What is wrong with each template; people see only those."""
    rows = [
        {"name": item.name, "origin": item.origin, "path": str(item.path), "ok": not problems, "problems": problems}
        for item, problems in results
    ]
    if app.options.machine:
        show_rows(app, rows, CHECK)
        return
    for item, problems in results:
        for problem in problems:
            message(app, f"{item.path}: {problem}")
    if not any(problems for _, problems in results):
        message(app, f"{len(results)} template{'' if len(results) == 1 else 's'}: fine")


def show_saved(app: AppContext, found: Found, problems: Sequence[str]) -> None:
    """Where the new template is, and what is not right with it yet."""
    if app.options.machine:
        record = {"name": found.name, "path": str(found.path), "problems": list(problems)}
        show_record(app, record, str, fields=("name", "path", "problems"))
        return
    message(app, f"saved {found.path}; opsvi prompt -t {found.name}")
    for problem in problems:
        message(app, f"warning: {problem}")
