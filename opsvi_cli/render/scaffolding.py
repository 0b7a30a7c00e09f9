"""What `new-library` made, as a tree, a diff, or JSON."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext

from .output import dump, message, pick, write

if TYPE_CHECKING:
    from opsvi_cli.scaffold.create import Created
    from opsvi_cli.scaffold.update import Updated

UPDATE_FIELDS = ("path", "template", "before", "after", "based", "written", "conflicts", "files")
FIELDS = ("path", "template", "version", "commit", "written", "committed", "files")


def show_created(app: AppContext, created: Created, *, diff: bool) -> None:
    """One record for programs; for people the tree, or the diff, and what comes next."""
    if app.options.machine:
        kept = pick(app, _record(created), FIELDS)
        app.out.write(dump(kept, indent=None if app.options.jsonl else 2) + "\n")
    elif diff:
        from opsvi_cli.scaffold.place import diff as diff_lines

        for line in diff_lines(created.planned, created.target):
            write(app, line)
    else:
        write(app, _tree(created))
    if created.hooks:
        listed = "; ".join(shlex.join(hook) for hook in created.hooks)
        message(app, f"opsvi: commands of the template were not run: {listed}")
        message(app, "hint: read them, then repeat it with --trust")
    if created.committed is False:
        message(app, "opsvi: nothing was committed, all is staged: git does not know who you are")
        message(app, "hint: git config user.name NAME, git config user.email EMAIL, then git commit")
    if created.written and not app.options.machine:
        message(app, f"made {created.target} from {created.template.reference} {created.template.manifest.version}")


def _record(created: Created) -> dict[str, Any]:
    return {
        "path": str(created.target),
        "template": created.template.reference,
        "version": created.template.manifest.version,
        "commit": created.template.commit or None,
        "written": created.written,
        "committed": created.committed,
        "files": [{"path": item.file.path, "action": item.action, "sha256": item.sha256} for item in created.planned],
    }


def _tree(created: Created) -> str:
    """The files as an indented tree; what would be changed is marked."""
    lines = [f"{created.target.name}/"]
    shown: set[str] = set()
    for item in sorted(created.planned, key=lambda item: item.file.path.split("/")):
        *folders, name = item.file.path.split("/")
        for depth in range(len(folders)):
            folder = "/".join(folders[: depth + 1])
            if folder not in shown:
                shown.add(folder)
                lines.append("  " * (depth + 1) + folders[depth] + "/")
        mark = "" if item.action == "create" else f"  ({item.action})"
        lines.append("  " * (len(folders) + 1) + name + mark)
    return "\n".join(lines) + "\n"


def show_updated(app: AppContext, done: Updated) -> None:
    """One record for programs; for people a line a file that changed, and what it means."""
    if app.options.machine:
        record = {
            "path": str(done.root),
            "template": done.template,
            "before": done.before,
            "after": done.after,
            "based": done.based,
            "written": done.written,
            "conflicts": done.conflicts,
            "files": [{"path": one.path, "action": one.action, "detail": one.detail or None} for one in done.changes],
        }
        app.out.write(dump(pick(app, record, UPDATE_FIELDS), indent=None if app.options.jsonl else 2) + "\n")
        return
    for one in done.changes:
        write(app, f"{one.action}\t{one.path}" + (f"\t{one.detail}" if one.detail else "") + "\n")
    if not done.changes:
        message(app, f"nothing to do: {done.root.name} is at {done.template} {done.after}")
        return
    if not done.based:
        message(app, f"opsvi: {done.template} {done.before} cannot be had any more: every difference is marked")
    words = "is now at" if done.written else "would be at"
    message(app, f"{done.root.name} {words} {done.template} {done.after} (it was {done.before})")
