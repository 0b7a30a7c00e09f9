"""The program of a worker process: reads sources from stdin, writes their documents to stdout.

It ends when its stdin ends, also in the middle of a document: a parent that is killed leaves nobody behind.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.global_options import GlobalOptions

from .limits import OutOfTime, install, limited, too_large, too_slow
from .wire import documents_body, error_head, read_frame, source_from, write_frame

if TYPE_CHECKING:
    from opsvi_cli.sdk import Source

MAX_INPUT = 1 << 40


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides what it means
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the frames
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    install()
    frames: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue()
    threading.Thread(target=_listen, args=(source, frames), daemon=True).start()
    settings, _ = frames.get()
    options = GlobalOptions(config=settings["config"], profile=settings["profile"], quiet=True, no_input=True)
    app = AppContext(out=sys.stderr, err=sys.stderr, stdin=None, options=options, cwd=settings["cwd"])
    while True:
        head, data = frames.get()
        write_frame(sink, *_answer(app, source_from(head, data), settings["seconds"], settings["memory"]))


def _listen(stream: BinaryIO, frames: queue.Queue[tuple[dict[str, Any], bytes]]) -> None:
    """Runs beside the work, so that the end of stdin is seen while a document is being read."""
    while True:
        try:
            frame = read_frame(stream, MAX_INPUT)
        except (OSError, ValueError, MemoryError):
            frame = None
        if frame is None:
            os._exit(0)
        frames.put(frame)


def _answer(app: AppContext, source: Source, seconds: float, memory: int) -> tuple[dict[str, Any], bytes]:
    from .extraction import read_source

    try:
        with limited(seconds, memory):
            return {"ok": True}, documents_body(read_source(app, source))
    except OpsviError as error:
        return error_head(error), b""
    except OutOfTime:
        return error_head(too_slow(source.name, seconds)), b""
    except MemoryError:
        return {**error_head(too_large(source.name, memory)), "spent": True}, b""
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a processor's bug is one failed source
        text = (str(error).splitlines() or [""])[0][:300]
        detail = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return error_head(DocumentError(f"{source.name} cannot be read: {detail}")), b""
