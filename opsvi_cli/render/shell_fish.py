"""The completion script for fish."""

from __future__ import annotations

from collections.abc import Sequence

from .command_tree import FILES, NOTHING, Option, Place

_HEAD = r"""# fish completion for opsvi; made by `opsvi completion fish`

# True when the words before the cursor lead to the command given, e.g. 'collections show'; '' is opsvi itself.
function __opsvi_at
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- $word $__opsvi_valued; and set skip 1
        else if contains -- (string join ' ' $path $word) $__opsvi_paths
            set -a path $word
        end
    end
    set -l here (string join ' ' $path)
    test "$here" = "$argv"
end

complete -c opsvi -f
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _source(values: Sequence[str]) -> str:
    """The flags of `complete` that offer values."""
    if values[0] == FILES:
        return " -r -F"
    if values[0] == NOTHING:
        return " -x"
    return f" -x -a {_words(values)}"


def _words(values: Sequence[str]) -> str:
    if values[0].startswith("@"):
        prefix = "(commandline -ct | string replace -r -- '^--[^=]*=' '' | string unescape)"
        return _quoted(f"(opsvi __complete {values[0][1:]} {prefix} 2>/dev/null)")
    return _quoted(" ".join(values))


def _option(option: Option, condition: str) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
    values = _source(option.values) if option.values else ""
    return f"complete -c opsvi{condition}{names}{values} -d {_quoted(option.help)}"


def script(places: Sequence[Place]) -> str:
    """The whole script."""
    paths = [" ".join(place.path) for place in places if place.path]
    valued = dict.fromkeys(n for place in places for option in place.options if option.values for n in option.names)
    lines = [f"set -g __opsvi_paths {' '.join(_quoted(path) for path in paths)}"]
    lines.append(f"set -g __opsvi_valued {' '.join(valued)}")
    for place in places:
        path = " ".join(place.path)
        here = f" -n {_quoted('__opsvi_at ' + path)}"
        for name, text in place.commands.items():
            lines.append(f"complete -c opsvi{here} -a {name} -d {_quoted(text)}")
        lines.extend(_option(option, here if place.path else "") for option in place.options if _own(option, place))
        if place.arguments:
            flags = " -F" if place.arguments[0] == FILES else f" -a {_words(place.arguments)}"
            lines.append(f"complete -c opsvi{here}{flags}")
    return _HEAD + "\n".join(lines) + "\n"


def _own(option: Option, place: Place) -> bool:
    """`--help` is offered everywhere by the entry of opsvi itself."""
    return not place.path or "--help" not in option.names
