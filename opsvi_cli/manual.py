"""The manual page in roff (man(7)), from the command table, the global options and the help topics."""

from __future__ import annotations

from collections.abc import Iterable

from . import __version__
from .command_table import COMMANDS, SECTIONS
from .errors import EXIT_CODE_MEANINGS
from .foundation.environment import variables
from .global_options import FLAGS
from .help_text import EXAMPLES


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped


def _entries(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, text in rows for line in (".TP", f".B {_roff(name)}", _roff(text))]


def manual_page() -> str:
    """The whole page `opsvi(1)`."""
    lines = [
        f'.TH OPSVI 1 "" "opsvi {__version__}" "User Commands"',
        ".SH NAME",
        "opsvi \\- search, ask and script against your own documents",
        ".SH SYNOPSIS",
        ".B opsvi",
        "[GLOBAL OPTIONS] COMMAND [ARGUMENTS]",
    ]
    for section in SECTIONS:
        lines.append(f".SH {section.upper()} COMMANDS")
        lines.extend(_entries((c.name, c.help + ".") for c in COMMANDS.values() if c.section == section))
    lines.append(".SH GLOBAL OPTIONS")
    lines.extend(_entries((", ".join(flag.names) + f" {flag.value}".rstrip(), flag.help + ".") for flag in FLAGS))
    lines.append(".SH EXIT STATUS")
    lines.extend(_entries((str(int(code)), meaning + ".") for code, meaning in EXIT_CODE_MEANINGS.items()))
    lines.append(".SH ENVIRONMENT")
    lines.extend(_entries(variables()))
    lines.append(".SH EXAMPLES")
    lines.extend(line for example in EXAMPLES for line in (".PP", ".nf", _roff(example), ".fi"))
    return "\n".join(lines) + "\n"
