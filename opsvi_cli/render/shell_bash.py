"""The completion script for bash (3.2 and later): static words cost no process."""

from __future__ import annotations

from collections.abc import Sequence

from .command_tree import Place

_BODY = r"""
# The files that match the word under the cursor.
_opsvi_files() {
  local line
  compopt -o filenames 2>/dev/null # not in bash 3
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$1")
}

# Offers values: words that start with $1, files, or what opsvi itself answers.
_opsvi_offer() {
  local cur=$1 line kind plain
  shift
  case "$1" in
    @files) _opsvi_files "$cur" ;;
    @nothing) ;;
    @*)
      kind=${1#@}
      case $cur in
        [\"\']*) plain=${cur#?} ;;
        *) plain=${cur//\\/} ;;
      esac
      while IFS= read -r line; do
        [[ $line == "$plain"* ]] || continue
        # Within quotes readline wants the word as it is, else as it would be typed.
        case $cur in
          [\"\']*) COMPREPLY+=("$line") ;;
          *) COMPREPLY+=("$(printf %q "$line")") ;;
        esac
      done < <("${COMP_WORDS[0]}" __complete "$kind" "$plain" 2>/dev/null)
      # `openai/` is half a name: the model follows without a space.
      [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
      ;;
    *) for line in "$@"; do [[ $line == "$cur"* ]] && COMPREPLY+=("$line"); done ;;
  esac
}

_opsvi() {
  local words=() word cur line path="" option="" i glued=0
  local commands=() options=() values=() arguments=()
  COMPREPLY=()
  # bash cuts words at = and : ; put them together again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((glued)) || { [[ $word == [=:] ]] && ((${#words[@]})); }; then
      words[${#words[@]}-1]+=$word
      glued=0
      [[ $word == [=:] ]] && glued=1
    else
      words+=("$word")
    fi
  done
  cur=${words[${#words[@]}-1]}
  for ((i = 0; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    if [[ -n $option ]]; then
      option=""
    elif [[ $word == -* ]]; then
      [[ $word == *=* ]] && continue
      _opsvi_values "$path" "$word"
      ((${#values[@]})) && option=$word
    else
      _opsvi_place "$path"
      for line in "${commands[@]}"; do
        if [[ $line == "$word" ]]; then path+="${path:+ }$word"; break; fi
      done
    fi
  done
  if [[ -n $option ]]; then
    _opsvi_values "$path" "$option"
    _opsvi_offer "$cur" "${values[@]}"
  elif [[ $cur == --*=* ]]; then
    _opsvi_values "$path" "${cur%%=*}"
    ((${#values[@]})) && _opsvi_offer "${cur#*=}" "${values[@]}"
  else
    _opsvi_place "$path"
    if [[ $cur == -* ]]; then
      _opsvi_offer "$cur" "${options[@]}"
    elif ((${#commands[@]})); then
      _opsvi_offer "$cur" "${commands[@]}"
    elif ((${#arguments[@]})); then
      _opsvi_offer "$cur" "${arguments[@]}"
    fi
  fi
  # What stands before the last colon is on the line already.
  if [[ $cur == *:* && $cur != --*=* && $COMP_WORDBREAKS == *:* ]]; then
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${cur%"${cur##*:}"}"}; done
  fi
}

complete -F _opsvi opsvi
"""


def _quoted(words: Sequence[str]) -> str:
    return " ".join(word if word.replace("-", "").replace("_", "").isalnum() else f"'{word}'" for word in words)


def script(places: Sequence[Place]) -> str:
    """The whole script, for `source` or a folder of bash-completion."""
    root = places[0]
    everywhere = [name for option in root.options for name in option.names]
    lines = ["# bash completion for opsvi; made by `opsvi completion bash`", ""]
    lines += ["# Words that may stand at a place: its commands, options, arguments.", "_opsvi_place() {"]
    lines += ["  commands=() options=() arguments=()", '  case "$1" in']
    for place in places:
        own = [name for option in place.options for name in option.names]
        options = list(dict.fromkeys([*own, *(name for name in everywhere if name not in ("-V", "--version"))]))
        lines.append(f'    "{" ".join(place.path)}")')
        if place.commands:
            lines.append(f"      commands=({_quoted(list(place.commands))})")
        lines.append(f"      options=({_quoted(everywhere if not place.path else options)})")
        if place.arguments:
            lines.append(f"      arguments=({_quoted(place.arguments)})")
        lines.append("      ;;")
    lines += ["  esac", "}", "", "# What may follow an option that takes a value; nothing for a switch."]
    lines += ["_opsvi_values() {", "  values=()", '  case "$1 $2" in']
    for place in [*places[1:], root]:
        for option in place.options:
            if option.values:
                head = "*" if place is root else ""
                prefix = " ".join(place.path)
                pattern = "|".join(f'{head}"{prefix} {name}"' for name in option.names)
                lines.append(f"    {pattern}) values=({_quoted(option.values)}) ;;")
    lines += ["  esac", "}"]
    return "\n".join(lines) + "\n" + _BODY
