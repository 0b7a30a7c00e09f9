"""First version of the log."""

from __future__ import annotations

import logging
from typing import TextIO

from opsvi_cli.global_options import GlobalOptions

from .redact import Redactor
from .schema import Log


def open_log(err: TextIO, settings: Log, redactor: Redactor, options: GlobalOptions) -> logging.Logger:
    log = logging.getLogger("opsvi")
    log.handlers[:] = [logging.StreamHandler(err)]
    log.setLevel("WARNING")
    log.propagate = False
    return log
