"""The completion script for PowerShell (5.1 and later)."""

from __future__ import annotations

from collections.abc import Sequence

from .command_tree import Place

_BODY = r"""
Register-ArgumentCompleter -Native -CommandName opsvi -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $path = ''
    $option = ''
    $before = $commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() }
    foreach ($word in $before) {
        if ($option) { $option = '' }
        elseif ($word.StartsWith('-')) {
            if ($opsviValues.ContainsKey("$path $word") -or $opsviValues.ContainsKey(" $word")) { $option = $word }
        }
        elseif ($opsviPlaces[$path].Commands -ccontains $word) { $path = "$path $word".Trim() }
    }
    $place = $opsviPlaces[$path]
    if ($option) {
        $values = $opsviValues["$path $option"]
        if (-not $values) { $values = $opsviValues[" $option"] }
    }
    elseif ($wordToComplete.StartsWith('-')) { $values = $place.Options }
    elseif ($place.Commands.Count) { $values = $place.Commands }
    else { $values = $place.Arguments }
    if ($values.Count -eq 1 -and $values[0].StartsWith('@')) {
        $kind = $values[0].Substring(1)
        if ($kind -eq 'files') { return }
        $values = if ($kind -eq 'nothing') { @() } else { @(opsvi __complete $kind $wordToComplete 2>$null) }
    }
    $values | Where-Object { $_ -and $_.StartsWith($wordToComplete) } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
"""


def _list(words: Sequence[str]) -> str:
    return "@(" + ", ".join("'" + word.replace("'", "''") + "'" for word in words) + ")"


def script(places: Sequence[Place]) -> str:
    """The whole script, for a profile."""
    root = places[0]
    everywhere = [name for option in root.options for name in option.names]
    lines = ["# PowerShell completion for opsvi; made by `opsvi completion powershell`", "", "$opsviPlaces = @{"]
    for place in places:
        own = dict.fromkeys([*(name for option in place.options for name in option.names), *everywhere])
        lines.append(f"    '{' '.join(place.path)}' = @{{")
        lines.append(f"        Commands  = {_list(list(place.commands))}")
        lines.append(f"        Options   = {_list([name for name in own if not place.path or name not in _ROOT_ONLY])}")
        lines.append(f"        Arguments = {_list(place.arguments)}")
        lines.append("    }")
    # Keys are compared with case, as -V and -v are two options.
    lines += ["}", "$opsviValues = [System.Collections.Hashtable]::new([System.StringComparer]::Ordinal)"]
    for place in places:
        for option in place.options:
            if option.values:
                for name in option.names:
                    lines.append(f"$opsviValues['{' '.join(place.path)} {name}'] = {_list(option.values)}")
    return "\n".join(lines) + "\n" + _BODY


_ROOT_ONLY = ("-V", "--version")
