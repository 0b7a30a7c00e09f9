"""Plans and their outcome for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsvi_cli.errors import OpsviError, PartialError
from opsvi_cli.plugin_host.manifest import FILE_NAME

from .actions import Installed
from .plans import Item, Plan
from .removal import Removal
from .scan import FINDINGS

RIGHTS = (
    "A plugin runs with all your rights: it can do what you can. An isolated one has its own process and packages, "
    "and the same rights."
)


def plan_record(plan: Plan, action: str, *, dry_run: bool, done: Sequence[Installed] = ()) -> dict[str, Any]:
    """One document: what is known of each plugin, and the commands. `status` says what became of it."""
    by_name = {each.name: each for each in done}
    return {
        "action": action,
        "dry_run": dry_run,
        "environment": plan.home.kind,
        "plugins": [_row(item, by_name.get(item.name), dry_run=dry_run) for item in plan.items],
        "commands": plan.commands(),
    }


def _row(item: Item, done: Installed | None, *, dry_run: bool) -> dict[str, Any]:
    facts = item.facts
    planned = {"install": "planned", "upgrade": "planned", "keep": "unchanged"}[item.action]
    status = planned if dry_run or item.action == "keep" else "installed" if done else "failed"
    return {
        "name": item.name or facts.asked.text,
        "version": done.version if done else facts.version,
        "former": item.former,
        "status": status,
        "requirement": facts.asked.requirement,
        "isolated": item.isolated,
        "author": facts.author,
        "license": facts.license,
        "summary": facts.summary,
        "plugins": list(facts.plugins),
        "parts": list(done.parts if done else facts.parts),
        "permissions": list(facts.manifest.permissions) if facts.manifest.there else None,
        "found": facts.findings.ordered() if facts.looked else None,
        "builds": facts.builds,
        "note": "; ".join(text for text in (facts.note, facts.manifest.problem, done.warning if done else "") if text),
    }


def removal_record(removal: Removal, *, dry_run: bool) -> dict[str, Any]:
    """The same document for an uninstallation."""
    return {
        "action": "uninstall",
        "dry_run": dry_run,
        "environment": removal.home.kind,
        "plugins": [
            {
                "name": name,
                "version": removal.versions.get(name, ""),
                "status": "planned" if dry_run else "removed",
                "isolated": name in removal.isolated,
            }
            for name in removal.names()
        ],
        "commands": [step.shown() for step in removal.steps],
    }


def plan_text(plan: Plan) -> str:
    """What is to be known before somebody says yes."""
    lines: list[str] = []
    for item in plan.items:
        lines += _item_lines(item)
    if not plan.empty:
        lines += [RIGHTS, "It runs:", *(f"  {command}" for command in plan.commands())]
    return "\n".join(lines)


def _item_lines(item: Item) -> list[str]:
    facts = item.facts
    title = f"{facts.name or facts.asked.text} {facts.version}".rstrip()
    if item.action == "keep":
        return [f"{title} is there already"]
    title += f", now {item.former}" if item.former else ""
    title += f" by {facts.author}" if facts.author else ""
    title += f" ({facts.license})" if facts.license else ""
    lines = [f"{title}: {facts.summary}" if facts.summary else title]
    if facts.asked.requirement != facts.asked.text:
        lines.append(f"  from       {facts.asked.requirement}")
    if item.isolated:
        lines.append("  isolated   in an environment and a process of its own")
    if facts.looked:
        lines.append(f"  brings     {', '.join(facts.parts) or 'parts that are known when it is loaded'}")
        lines.append(f"  asks for   {_asked_for(item)}")
        lines += _found_lines(item)
    if facts.builds:
        lines.append("  builds     installing it runs code of it")
    lines += [f"  note       {note}" for note in (facts.note, facts.manifest.problem) if note]
    return lines


def _asked_for(item: Item) -> str:
    manifest = item.facts.manifest
    if not manifest.there:
        return f"unknown: it has no {FILE_NAME}"
    return ", ".join(manifest.permissions) or "nothing"


def _found_lines(item: Item) -> list[str]:
    findings = item.facts.findings
    found = findings.ordered()
    if not found and not findings.unread:
        return ["  found      nothing in its code that reaches outside (a look, no proof)"]
    lines = []
    for name, places in found.items():
        asked = " (not asked for)" if _is_undeclared(item, name) else ""
        lines.append(f"  found      {name}{asked}: {FINDINGS[name]}: {', '.join(places)}")
    if findings.unread:
        lines.append(f"  found      {findings.unread} sources that cannot be read")
    return lines


def _is_undeclared(item: Item, finding: str) -> bool:
    manifest = item.facts.manifest
    return (
        manifest.there
        and finding in ("network", "files", "processes", "secrets")
        and (finding not in manifest.permissions)
    )


def removal_text(removal: Removal) -> str:
    """Which plugins go, and the commands."""
    lines = [f"{name} {removal.versions.get(name, '')}".rstrip() for name in removal.names()]
    if removal.steps:
        lines += ["It runs:", *(f"  {step.shown()}" for step in removal.steps)]
    return "\n".join(lines)


def done_text(done: Sequence[Installed]) -> str:
    """What was installed, one line each."""
    lines = []
    for each in done:
        verb = "upgraded" if each.former and each.former != each.version else "installed"
        brings = f": {', '.join(each.parts)}" if each.parts else ""
        lines.append(f"{verb} {each.name} {each.version}{' (isolated)' if each.isolated else ''}{brings}")
        if each.warning:
            lines.append(f"warning: {each.warning}")
    return "\n".join(lines)


def outcome(done: Sequence[Installed], failed: Sequence[OpsviError]) -> OpsviError | None:
    """The error that a run ends with in which some failed; None when none did."""
    if not failed:
        return None
    if done:
        return PartialError(f"{len(failed)} of {len(done) + len(failed)} plugins failed", hint=failed[0].hint)
    return failed[0]
