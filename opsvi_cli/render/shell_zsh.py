"""The completion script for zsh: `_opsvi`, for a folder on $fpath or for `source` after compinit."""

from __future__ import annotations

from collections.abc import Sequence

from .command_tree import Place

_BODY = r"""
_opsvi_offer() {
  local -a found half
  case $1 in
    @files) _files ;;
    @nothing) return 1 ;;
    @*)
      found=(${(f)"$(${(Q)words[1]} __complete ${1#@} ${(Q)PREFIX} 2>/dev/null)"})
      # `openai/` is half a name: the model follows without a space.
      half=(${(M)found:#*/}) found=(${found:#*/})
      compadd -a found
      compadd -S '' -a half
      ;;
    *) found=("$@"); compadd -a found ;;
  esac
}

_opsvi() {
  local place="" option="" word line i
  local -a commands options values arguments
  for ((i = 2; i < CURRENT; i++)); do
    word=${(Q)words[i]}
    if [[ -n $option ]]; then
      option=""
    elif [[ $word == -* ]]; then
      [[ $word == *=* ]] && continue
      _opsvi_values "$place" "$word"
      (($#values)) && option=$word
    else
      _opsvi_place "$place"
      for line in $commands; do
        if [[ ${line%%:*} == $word ]]; then place+="${place:+ }$word"; break; fi
      done
    fi
  done
  if [[ -n $option ]]; then
    _opsvi_values "$place" "$option"
    _opsvi_offer $values
  elif [[ $PREFIX == --*=* ]]; then
    _opsvi_values "$place" "${PREFIX%%=*}"
    (($#values)) || return 1
    compset -P '*='
    _opsvi_offer $values
  else
    _opsvi_place "$place"
    if [[ $PREFIX == -* ]]; then
      _describe -o option options
    elif (($#commands)); then
      _describe command commands
    elif (($#arguments)); then
      _opsvi_offer $arguments
    fi
  fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _opsvi "$@"
else
  compdef _opsvi opsvi
fi
"""


def quoted(text: str) -> str:
    """A word in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _described(name: str, help: str) -> str:
    return quoted(f"{name}:{help}" if help else name)


def script(places: Sequence[Place]) -> str:
    """The whole script."""
    root = places[0]
    lines = ["#compdef opsvi", "# zsh completion for opsvi; made by `opsvi completion zsh`", ""]
    lines += ["_opsvi_place() {", "  commands=() options=() arguments=()", "  case $1 in"]
    for place in places:
        lines.append(f"    {quoted(' '.join(place.path))})")
        if place.commands:
            described = " ".join(_described(name, text) for name, text in place.commands.items())
            lines.append(f"      commands=({described})")
        shared = [o for o in root.options if o.names[0] not in ("-h", "-V")] if place.path else []
        seen: dict[str, str] = {}
        for option in (*place.options, *shared):
            for name in option.names:
                seen.setdefault(name, option.help)
        lines.append(f"      options=({' '.join(_described(name, text) for name, text in seen.items())})")
        if place.arguments:
            lines.append(f"      arguments=({' '.join(quoted(word) for word in place.arguments)})")
        lines.append("      ;;")
    lines += ["  esac", "}", "", "_opsvi_values() {", "  values=()", '  case "$1 $2" in']
    for place in [*places[1:], root]:
        for option in place.options:
            if option.values:
                words = " ".join(quoted(word) for word in option.values)
                prefix = " ".join(place.path)
                pattern = "|".join(f'*" {name}"' if place is root else f'"{prefix} {name}"' for name in option.names)
                lines.append(f"    {pattern}) values=({words}) ;;")
    lines += ["  esac", "}"]
    return "\n".join(lines) + "\n" + _BODY
