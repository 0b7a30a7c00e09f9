"""Sphinx settings: CommonMark pages, the furo theme, no network."""

from __future__ import annotations

from opsvi_cli import __version__

project = "opsvi"
author = "the opsvi developers"
copyright = "the opsvi developers, MIT licence"  # noqa: A001  # the name that Sphinx reads
release = version = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"opsvi {__version__}"
html_show_sphinx = False
