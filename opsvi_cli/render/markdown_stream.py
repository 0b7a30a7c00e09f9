"""An answer in Markdown on a terminal, rendered while it comes.

Finished blocks are printed once and never touched again; only the open block is drawn anew, a few times a second. Lists
are finished item by item, code line by line, so that what is redrawn stays small.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import SafePieces

from .live_lines import LiveLines, can_redraw, terminal_size
from .quiet_keys import QuietKeys

if TYPE_CHECKING:
    from .markdown_blocks import Renderer

_PAUSE = 0.06
"""Seconds between two drawings of the open block, at least."""
_TICK = 1.0
_COSTS = 9
"""Times that a drawing took: the pause after one that was slow, a table of many rows."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\n]*)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_CONTEXT_LINES = 200
"""Lines of code above that colours are found from."""


def wants_markdown(app: AppContext) -> bool:
    """True when answers are rendered: a terminal that can move its cursor, and nobody asked for plain text."""
    return can_redraw(app) and not app.options.machine and app.settings.answers.markdown


@dataclass
class _Fence:
    """A code block that was begun: its mark, its language, its lines so far."""

    mark: str
    language: str
    lines: list[str]

    def ends_with(self, line: str) -> bool:
        text = line.strip()
        return len(text) >= len(self.mark) and not text.strip(self.mark[0]) and len(line) - len(line.lstrip()) < 4


class _Settling:
    """A stream beside the answer: before anything is written to it, the answer's open block is finished."""

    def __init__(self, stream: Any, writer: MarkdownWriter) -> None:
        self.stream = stream
        self._writer = writer

    def write(self, text: str) -> int:
        self._writer.settle()
        written = int(self.stream.write(text))
        if text.endswith("\n"):  # else it is a question, and what is typed now answers it
            self._writer.go_on()
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class MarkdownWriter:
    """Called with pieces of an answer, as `TextWriter` is."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._pieces = SafePieces()
        self._lock = threading.RLock()
        self._keys = QuietKeys(app.stdin)
        self._err: Any = None
        self._timer: threading.Timer | None = None
        self._clock: threading.Timer | None = None
        self._renderer: Renderer | None = None
        self._begin()

    def _begin(self) -> None:
        self._live = LiveLines(self._app.out)
        self._open = ""
        self._fence: _Fence | None = None
        self._gap = False
        self._in_list = False
        self._next = 0.0
        self._settled = False

    def wait(self) -> None:
        """An answer is asked for: from now on keys are not echoed, and seconds without a word are counted."""
        with self._lock:
            self.go_on()
            if self._clock is None and not self._app.options.quiet:
                self._wind()

    def go_on(self) -> None:
        """Text is to follow; what is typed meanwhile is for later."""
        with self._lock:
            self._settled = False
            self._last = time.monotonic()
            self._keys.hold()
            if self._err is None:
                self._err = self._app.err
                self._app.err = _Settling(self._err, self)  # type: ignore[assignment]

    def __call__(self, text: str) -> None:
        with self._lock:
            self._open += self._pieces.feed(text)
            self.go_on()
            wait = self._next - time.monotonic()
            if wait <= 0:
                self._paint()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._paint_late)
                self._timer.daemon = True
                self._timer.start()

    def settle(self) -> None:
        """Print all there is; something else is going to be written below it."""
        with self._lock:
            self._stop_timer()
            self._paint(final=True)
            self._keys.release()
            self._settled = True

    def end_line(self) -> None:
        """The answer is over, or was cut."""
        with self._lock:
            self._pieces = SafePieces()
            self.settle()
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None
            self._begin()
            if self._err is not None:
                self._app.err, self._err = self._err, None
            self._app.out.flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _paint_late(self) -> None:
        """In the timer's thread: what came last is shown although nothing follows it."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._timer is not None:
                self._timer = None
                self._paint()

    def _wind(self) -> None:
        self._clock = threading.Timer(_TICK, self._tick)
        self._clock.daemon = True
        self._clock.start()

    def _tick(self) -> None:
        """In the clock's thread, once a second."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._clock is not threading.current_thread():
                return  # stopped while this thread waited for the lock
            self._wind()
            seconds = int(time.monotonic() - self._last)
            if seconds > 0 and not (self._settled or self._fence or self._open.strip()):
                self._live.show([*self._space(self._in_list), f"… {seconds} s"])

    def _paint(self, *, final: bool = False) -> None:
        if not self._open:
            self._live.show([])
            return
        began = time.monotonic()
        renderer = self._fitting_renderer()
        # A line that is not complete may turn out to be anything.
        while self._print_code(renderer, final) if self._fence else self._print_blocks(renderer, final):
            continue
        ended = time.monotonic()
        self._next = ended + max(_PAUSE, _COSTS * (ended - began))

    def _complete(self, final: bool) -> tuple[list[str], str]:
        """The lines that have ended, and the beginning of one that has not."""
        end = len(self._open) if final else self._open.rfind("\n") + 1
        return _LINE.findall(self._open[:end]), self._open[end:]

    def _fitting_renderer(self) -> Renderer:
        width = max(4, terminal_size(self._app.out)[0] - 1)
        if self._renderer is None or self._renderer.width != width:
            from .markdown_blocks import Renderer

            self._renderer = Renderer(self._app, width)
        return self._renderer

    def _print_blocks(self, renderer: Renderer, final: bool) -> bool:
        """Print the blocks that are finished and draw the open one. True when code begins."""
        from .markdown_blocks import blocks

        lines, rest = self._complete(final)
        done = 0
        found = blocks("".join(lines))
        for number, block in enumerate(found):
            is_open = number == len(found) - 1 and not final
            if block.kind == "fence":
                match = _FENCE.match(lines[block.start])
                assert match is not None  # the parser found one
                self._commit([renderer.dim(lines[block.start].strip())], joined=False)
                self._fence = _Fence(match[1], match[2].strip().partition(" ")[0], [])
                self._open = "".join(lines[block.start + 1 :]) + rest
                return True
            starts = block.items or (block.start,)
            for start, stop in zip(starts, (*starts[1:], block.end), strict=True):
                if stop == block.end and is_open:
                    break
                self._commit(renderer.markdown("".join(lines[start:stop])), joined=self._in_list)
                self._in_list = bool(block.items) and stop != block.end
                done = stop
        self._open = "".join(lines[done:]) + rest
        shown = renderer.markdown(self._open) if self._open.strip() else []
        self._live.show([*self._space(self._in_list), *shown] if shown else [])
        return False

    def _print_code(self, renderer: Renderer, final: bool) -> bool:
        """Print finished lines of code, and the fence's end. True when the fence is closed."""
        fence = self._fence
        assert fence is not None
        lines, rest = self._complete(final)
        end = next((number for number, line in enumerate(lines) if fence.ends_with(line)), None)
        fresh = [line.rstrip("\n") for line in lines[:end]]
        if fresh:
            above = fence.lines[-_CONTEXT_LINES:]
            fence.lines = above + fresh
            self._commit(renderer.code("\n".join(fence.lines), fence.language, len(above)), joined=True)
        if end is None:
            self._open = rest
            self._live.show(renderer.plain(rest)[:1] if rest else [])
            return False
        self._commit([renderer.dim(lines[end].strip())], joined=True)
        self._open = "".join(lines[end + 1 :]) + rest
        self._fence = None
        return True

    def _commit(self, lines: list[str], *, joined: bool) -> None:
        if lines:
            self._live.commit([*self._space(joined), *lines])
            self._gap = True

    def _space(self, joined: bool) -> list[str]:
        return [""] if self._gap and not joined else []
