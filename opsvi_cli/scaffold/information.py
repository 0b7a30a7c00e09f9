"""`opsvi library info`: how a library was made, and how far it and its template have moved since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError

from .project import open_project, recorded_template, render_project
from .record import PYPROJECT
from .templates import open_template

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def library_info(app: AppContext, folder: str) -> dict[str, Any]:
    """The record, the template's present version (`latest`, None when it cannot be had), and what was changed since.

    `changed` and `deleted` are None when the template of that time cannot be had. Raises NotFoundError.
    """
    project = open_project(app, folder)
    record = project.record
    try:
        with open_template(app, record.template) as template:
            latest: str | None = template.manifest.version
    except OpsviError:
        latest = None
    changed: list[str] | None = None
    deleted: list[str] | None = None
    with recorded_template(app, record) as template_then:
        if template_then is not None:
            made = render_project(record, template_then)
            there = {path: project.root / path for path in made}
            deleted = [path for path, place in there.items() if not place.is_file()]
            changed = [
                path for path, place in there.items() if place.is_file() and place.read_bytes() != made[path].data
            ]
    return {
        "name": record.name,
        "path": str(project.root),
        "template": record.template,
        "version": record.version,
        "latest": latest,
        "commit": record.commit or None,
        "features": list(record.features),
        "with": list(record.integrations),
        "answers": dict(record.answers or {}),
        "changed": changed,
        "deleted": deleted,
    }


def info_text(record: dict[str, Any]) -> str:
    """The record for people, one fact a line."""
    newer = record["latest"] not in (None, record["version"])
    lines = [
        f"{record['name']}  {record['path']}",
        f"template   {record['template']} {record['version']}"
        + (f"; {record['latest']} is there: opsvi library update" if newer else ""),
    ]
    if record["commit"]:
        lines.append(f"commit     {record['commit']}")
    for key, title in (("features", "features"), ("with", "with")):
        if record[key]:
            lines.append(f"{title:<10} {', '.join(record[key])}")
    lines += [f"{key:<10} {value}" for key, value in record["answers"].items() if value]
    if record["changed"] is None:
        lines.append(f"changed    not known: the template of that time cannot be had ({PYPROJECT} says which it was)")
    else:
        count = len(record["changed"])
        shown = ", ".join(record["changed"][:5]) + (", ..." if count > 5 else "")
        lines.append(f"changed    {count} of the template's files" + (f": {shown}" if count else ""))
        if record["deleted"]:
            lines.append(f"deleted    {', '.join(record['deleted'])}")
    return "\n".join(lines)
