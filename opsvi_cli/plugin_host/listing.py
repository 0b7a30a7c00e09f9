"""Reports as the records that `opsvi plugins` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError
from opsvi_cli.foundation.paths import Paths
from opsvi_cli.sdk import JSON

from .details import Details
from .manifest import FILE_NAME
from .reports import PluginReport

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

LIST_FIELDS = ("name", "version", "origin", "status", "error", "parts")


def list_row(report: PluginReport) -> dict[str, JSON]:
    """`parts` are `kind:name`, in the order of kinds and names."""
    return {
        "name": report.name,
        "version": report.version,
        "origin": report.origin,
        "status": report.status,
        "error": report.error,
        "parts": [f"{part.kind}:{part.name}" for part in report.parts],
    }


def all_reports(app: AppContext) -> list[PluginReport]:
    """Every plugin, those that are recorded and gone among them: the built-in one first, then by name."""
    first, *others = app.plugins.reports()
    return [first, *sorted([*others, *app.plugins.missing()], key=lambda report: report.name)]


def missing_reports(paths: Paths) -> list[PluginReport]:
    """One for each plugin that was installed by command and is not there any more. Never raises."""
    from .install.record import missing

    return [
        PluginReport(
            name=name,
            origin="isolated" if lost.isolated else "distribution",
            distribution=lost.name,
            version=lost.version,
            target="",
            status="missing",
            error=f"{lost.requirement} was installed and is gone: opsvi plugins restore",
        )
        for lost in missing(paths)
        for name in (lost.plugins or (lost.name,))
    ]


def info_record(report: PluginReport, details: Details) -> dict[str, Any]:
    """`import_seconds` is None for a plugin that was not imported by looking at it."""
    unseen = report.origin in ("built-in", "isolated") or report.status in ("disabled", "missing")
    return {
        "name": report.name,
        "version": report.version,
        "origin": report.origin,
        "distribution": report.distribution,
        "requirement": details.requirement or None,
        "license": details.license or None,
        "isolated": report.origin == "isolated",
        "permissions": None if details.permissions is None else list(details.permissions),
        "module": report.target,
        "api": report.api or None,
        "status": report.status,
        "error": report.error,
        "import_seconds": None if unseen else round(report.seconds, 4),
        "hooks": list(report.hooks),
        "parts": [
            {"kind": part.kind, "name": part.name, "help": part.help, "target": part.target} for part in report.parts
        ],
    }


def info_text(record: dict[str, Any]) -> str:
    """The record for people: one line a fact, then the parts."""
    named = f"{record['name']} {record['version']}".rstrip()
    asked = record["permissions"]
    lines = [f"{named}: {record['status']}" + (f" ({record['error']})" if record["error"] else "")]
    lines.append(f"from      {record['distribution']} ({record['origin']})")
    if record["requirement"]:
        lines.append(f"installed {record['requirement']}")
    lines.append(f"licence   {record['license'] or 'not stated'}")
    lines.append(f"module    {record['module']}")
    lines.append(f"API       {record['api'] or 'not stated'}")
    if record["import_seconds"] is not None:
        lines.append(f"import    {record['import_seconds'] * 1000:.0f} ms")
    lines.append(f"asks for  {f'unknown: it has no {FILE_NAME}' if asked is None else ', '.join(asked) or 'nothing'}")
    lines.append(f"hooks     {', '.join(record['hooks']) or 'none'}")
    if record["parts"]:
        lines.append("parts")
        width = max(len(f"{part['kind']} {part['name']}") for part in record["parts"])
        for part in record["parts"]:
            lines.append(f"  {part['kind'] + ' ' + part['name']:<{width}}  {part['help']}")
    return "\n".join(lines)


def find_report(reports: Sequence[PluginReport], name: str) -> PluginReport:
    """The plugin called `name`, or carried by a distribution of that name. Raises NotFoundError with a suggestion."""
    for report in reports:
        if report.name == name:
            return report
    for report in reports:
        if name.lower().replace("_", "-") in report.words:
            return report
    from difflib import get_close_matches

    known = [report.name for report in reports]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise NotFoundError(f"there is no plugin {name!r}", hint=f"{hint}`opsvi plugins list` names them")
