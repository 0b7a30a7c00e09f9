"""Running pip, uv or pipx, and the one line of all they say that tells what went wrong."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.terminal import plain

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_LEAD_ELSEWHERE = (
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"),
    *("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"),
)
"""Variables that lead an installer away from the environment that it is told to change."""
_ERROR = re.compile(r"^(error|fatal|fatal error)\b[: ]*", re.IGNORECASE)
_NOISE = re.compile(r"^(hint|help|note|warning|notice|\[notice\]|usage)\b|^[\s╰─▶→╭│×?^~|`-]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """One command. `env` is laid over the environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    trial: bool = False
    """It changes nothing, and its failure says that the next would go wrong."""

    def shown(self) -> str:
        """As it could be typed into a shell."""
        return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in self.env.items()), shlex.join(self.argv)])


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it: small letters, one hyphen for runs of `-`, `_`, `.`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run(app: AppContext, step: Step) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, apart from the terminal and from this folder; what it says is logged with -v.

    Raises OpsviError when it cannot be started, DeadlineError when the run's time is over.
    """
    env = {name: value for name, value in app.env.items() if name not in _LEAD_ELSEWHERE} | dict(step.env)
    app.log.info("%s", plain(step.shown()))
    try:
        with tempfile.TemporaryDirectory(prefix="opsvi-run-") as empty:
            done = subprocess.run(
                step.argv,
                env=env,
                # Installers read settings files of the folder they run in: that of a stranger, perhaps.
                cwd=empty,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="backslashreplace",
                timeout=app.remaining(),
                check=False,
            )
    except subprocess.TimeoutExpired:
        app.remaining()
        raise
    except OSError as error:
        name = os.path.basename(step.argv[0])
        raise OpsviError(f"{name} cannot be run: {error.strerror}", hint=f"check {step.argv[0]}") from None
    for line in plain(f"{done.stdout}\n{done.stderr}").strip().splitlines():
        app.log.info("%s", line)
    return done


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What an installer says of its failure, in one line: its last error and what is said of its cause."""
    lines = [_cleaned(line) for line in plain(done.stderr or done.stdout).splitlines()]
    lines = [line for line in lines if line and not _NOISE.match(line)]
    errors = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    if errors:
        chosen = lines[errors[-1] : errors[-1] + 4]
        # uv draws the cause below a general first line; pip says it all in the last.
        text = " ".join(line for line in chosen if not line.startswith("---"))
    else:
        text = lines[-1] if lines else f"it ended with {done.returncode} and said nothing"
    shown = re.sub(r"\s+", " ", _ERROR.sub("", text)).strip()
    return shown if len(shown) <= 400 else shown[:397] + "..."


def _cleaned(line: str) -> str:
    return re.sub(r"^[\s╰─▶→╭│×]+", "", line).strip()
