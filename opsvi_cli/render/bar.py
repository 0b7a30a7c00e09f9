"""A progress bar on stderr: on a terminal only, never in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LONGEST = 40


class Bar:
    """Made before the work begins; nothing is imported or shown where no bar belongs."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def start(self, total: int) -> None:
        app = self._app
        if app.options.quiet or not app.is_terminal(app.err) or app.env.get("TERM") == "dumb":
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        colors = app.options.color != "never" and not app.env.get("NO_COLOR")
        console = Console(file=app.err, no_color=not colors, highlight=False)
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=total)
        self._bar.start()

    def advance(self, what: str) -> None:
        """One more is done; the end of `what` is shown."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=plain(what)[-_LONGEST:])

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
