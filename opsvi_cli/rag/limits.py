"""Limits of a worker process: CPU seconds and memory for each document, as the operating system enforces them.

Two layers for time. RLIMIT_CPU sends SIGXCPU, which becomes an exception here: the worker lives on. Native code that
does not come back to Python is ended by ITIMER_PROF, whose signal kills the process, a little later.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from opsvi_cli.errors import DocumentError

GRACE_SECONDS = 2.0


class OutOfTime(BaseException):
    """The CPU time of the document is used up. No library may catch it by catching Exception."""


def install() -> None:
    """Turn SIGXCPU into `OutOfTime`. Where there are no such signals (Windows) the parent's clock is the limit."""
    if hasattr(signal, "SIGXCPU"):
        signal.signal(signal.SIGXCPU, _out_of_time)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    raise OutOfTime


@contextmanager
def limited(cpu_seconds: float, memory_bytes: int) -> Iterator[None]:
    """Run one document under its limits, counted from what the process has used so far.

    Raises OutOfTime, MemoryError.
    """
    if sys.platform == "win32":
        yield
        return
    import resource

    used = time.process_time()
    _soft(resource.RLIMIT_CPU, math.ceil(used + cpu_seconds))
    if (held := _address_space()) and memory_bytes > 0:
        _soft(resource.RLIMIT_AS, held + memory_bytes)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds + 1 + GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _soft(resource.RLIMIT_CPU, resource.RLIM_INFINITY)
        _soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)


def _soft(kind: int, value: int) -> None:
    """Set a soft limit, never above the hard one."""
    import resource

    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(kind, (value, hard))


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not say (no /proc)."""
    import resource

    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def too_slow(name: str, seconds: float) -> DocumentError:
    return DocumentError(
        f"{name} needs more than {seconds:g} s to be read", hint="opsvi config set ingest.seconds_per_document 120"
    )


def too_large(name: str, memory: int) -> DocumentError:
    return DocumentError(
        f"{name} needs more than {memory} bytes of memory to be read",
        hint="opsvi config set ingest.memory_bytes 4000000000",
    )
