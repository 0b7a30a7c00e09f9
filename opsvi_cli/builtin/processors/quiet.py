"""Keeps libraries from writing to stderr: what went wrong in a document is said once, by opsvi."""

from __future__ import annotations

import logging


def quiet(*names: str) -> None:
    """Silence the loggers of these libraries."""
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
