"""Turning plugins off and on: the list `plugins.disabled` in the user's settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.settings import tolerant_settings
from opsvi_cli.foundation.settings_edit import Target, set_value, unset_value

from .listing import all_reports, find_report

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_KEY = ("plugins", "disabled")


def disable(app: AppContext, name: str) -> bool:
    """Write the plugin, or all of a distribution, into the list; False when it stands there. Raises NotFoundError."""
    listed = _listed(app)
    report = find_report(all_reports(app), name)
    if report.origin == "built-in":
        raise UsageError("the built-in parts cannot be disabled", hint="`opsvi plugins list` names the plugins")
    word = report.distribution if name == report.distribution else report.name
    if word in listed:
        return False
    _write(app, [*listed, word])
    return True


def enable(app: AppContext, name: str) -> bool:
    """Take it out of the list; False when it does not stand there. Raises NotFoundError for a name that nobody has."""
    listed = _listed(app)
    words = {name}
    if name not in listed:
        report = find_report(all_reports(app), name)
        words = {report.name, report.distribution}
    kept = [word for word in listed if word not in words]
    if kept == listed:
        return False
    _write(app, kept)
    return True


def _listed(app: AppContext) -> list[str]:
    """What counts now. Raises UsageError when another layer than the user's file says so: that one would win."""
    settings = tolerant_settings(app)
    origin = settings.origin(_KEY)
    if origin.kind not in ("default", "system", "user"):
        raise UsageError(f"plugins.disabled is set by {origin}, which wins over your settings", hint="change it there")
    return list(settings.plugins.disabled)


def _write(app: AppContext, words: list[str]) -> None:
    target = Target(app.paths.settings_file)
    if words or app.settings.origin(_KEY).kind == "system":
        set_value(target, ".".join(_KEY), json.dumps(words))
    else:
        unset_value(target, ".".join(_KEY))
