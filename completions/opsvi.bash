# bash completion for opsvi; made by `opsvi completion bash`

# Words that may stand at a place: its commands, options, arguments.
_opsvi_place() {
  commands=() options=() arguments=()
  case "$1" in
    "")
      commands=(ingest search query chat extract collections prompt embed models new-library library recipe config secrets plugins doctor completion man help)
      options=(-h --help -V --version --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "ingest")
      options=(-c --collection --sync --include --exclude --hidden --chunker --chunk-size --overlap --embedder --store --jobs -n --dry-run --meta --name --password-file -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@files')
      ;;
    "search")
      options=(-c --collection -k --top --mode --where --fusion --dense-weight --rerank --batch -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "query")
      options=(-c --collection -k --top --mode --where --fusion --dense-weight --rerank -m --model --base-url --system --template --schema --stream --no-stream --no-llm --strict --max-tokens --temperature -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "chat")
      options=(-c --collection -k --top --where -m --model --base-url --session --continue --system --retrieval --no-retrieval --stream --no-stream --no-llm --max-tokens --temperature -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "extract")
      options=(--format --name --password-file -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@files')
      ;;
    "collections")
      commands=(list show documents check delete rename)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "collections list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "collections show")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@collections')
      ;;
    "collections documents")
      options=(--where -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@collections')
      ;;
    "collections check")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@collections')
      ;;
    "collections delete")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@collections')
      ;;
    "collections rename")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@collections')
      ;;
    "prompt")
      options=(-m --model --base-url --system --schema -a --attach --temperature --max-tokens --stream --no-stream -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "embed")
      options=(--embedder -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "models")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "new-library")
      options=(--kind --part --feature --with --template --answer -a --answers --year --into --force --dry-run -n --diff --git --verify --trust --list-templates --list-features -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "library")
      commands=(info check deps update)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "library info")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "library check")
      options=(--strict -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "library deps")
      options=(--write -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "library update")
      options=(--answer -a --revision --dry-run -n -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "recipe")
      commands=(show)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "recipe show")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config")
      commands=(get list set unset path edit validate schema trust untrust)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config get")
      options=(--show-origin -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.context_tokens' 'chat.history_tokens' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
      ;;
    "config list")
      options=(--show-origin --changed -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config set")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.context_tokens' 'chat.history_tokens' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
      ;;
    "config unset")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.context_tokens' 'chat.history_tokens' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
      ;;
    "config path")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config edit")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config validate")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config schema")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config trust")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config untrust")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets")
      commands=(set get list rm path test)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets set")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets get")
      options=(--reveal -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets rm")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets path")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "secrets test")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "plugins")
      commands=(list info check install uninstall freeze restore enable disable)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "plugins list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "plugins info")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins check")
      options=(--strict -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins install")
      options=(--isolated -U --upgrade --pre --find-links --index-url --no-index -n --dry-run -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins uninstall")
      options=(-n --dry-run -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins freeze")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "plugins restore")
      options=(--find-links --index-url --no-index -n --dry-run -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins enable")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "plugins disable")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@plugins')
      ;;
    "doctor")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "completion")
      options=(--write -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(bash zsh fish powershell)
      ;;
    "man")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "help")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(ingest search query chat extract collections prompt embed models new-library library recipe config secrets plugins doctor completion man help environment exit-codes formatting filters)
      ;;
  esac
}

# What may follow an option that takes a value; nothing for a switch.
_opsvi_values() {
  values=()
  case "$1 $2" in
    "ingest -c"|"ingest --collection") values=('@collections') ;;
    "ingest --include") values=('@nothing') ;;
    "ingest --exclude") values=('@nothing') ;;
    "ingest --chunker") values=(fixed markdown paragraph recursive sentence) ;;
    "ingest --chunk-size") values=('@nothing') ;;
    "ingest --overlap") values=('@nothing') ;;
    "ingest --embedder") values=(hash openai wordllama) ;;
    "ingest --store") values=(local memory) ;;
    "ingest --jobs") values=('@nothing') ;;
    "ingest --meta") values=('@nothing') ;;
    "ingest --name") values=('@nothing') ;;
    "ingest --password-file") values=('@nothing') ;;
    "search -c"|"search --collection") values=('@collections') ;;
    "search -k"|"search --top") values=('@nothing') ;;
    "search --mode") values=(hybrid dense keyword) ;;
    "search --where") values=('@nothing') ;;
    "search --fusion") values=(convex rrf) ;;
    "search --dense-weight") values=('@nothing') ;;
    "search --rerank") values=('@nothing') ;;
    "search --batch") values=('@files') ;;
    "query -c"|"query --collection") values=('@collections') ;;
    "query -k"|"query --top") values=('@nothing') ;;
    "query --mode") values=(hybrid dense keyword) ;;
    "query --where") values=('@nothing') ;;
    "query --fusion") values=(convex rrf) ;;
    "query --dense-weight") values=('@nothing') ;;
    "query --rerank") values=('@nothing') ;;
    "query -m"|"query --model") values=('@models') ;;
    "query --base-url") values=('@nothing') ;;
    "query --system") values=('@nothing') ;;
    "query --template") values=('@files') ;;
    "query --schema") values=('@files') ;;
    "query --max-tokens") values=('@nothing') ;;
    "query --temperature") values=('@nothing') ;;
    "chat -c"|"chat --collection") values=('@collections') ;;
    "chat -k"|"chat --top") values=('@nothing') ;;
    "chat --where") values=('@nothing') ;;
    "chat -m"|"chat --model") values=('@models') ;;
    "chat --base-url") values=('@nothing') ;;
    "chat --session") values=('@sessions') ;;
    "chat --system") values=('@nothing') ;;
    "chat --max-tokens") values=('@nothing') ;;
    "chat --temperature") values=('@nothing') ;;
    "extract --format") values=(markdown text json) ;;
    "extract --name") values=('@nothing') ;;
    "extract --password-file") values=('@nothing') ;;
    "collections documents --where") values=('@nothing') ;;
    "prompt -m"|"prompt --model") values=('@models') ;;
    "prompt --base-url") values=('@nothing') ;;
    "prompt --system") values=('@nothing') ;;
    "prompt --schema") values=('@files') ;;
    "prompt -a"|"prompt --attach") values=('@files') ;;
    "prompt --temperature") values=('@nothing') ;;
    "prompt --max-tokens") values=('@nothing') ;;
    "embed --embedder") values=(hash openai wordllama) ;;
    "new-library --kind") values=('@nothing') ;;
    "new-library --part") values=('@nothing') ;;
    "new-library --feature") values=('@nothing') ;;
    "new-library --with") values=('@nothing') ;;
    "new-library --template") values=('@files') ;;
    "new-library --answer"|"new-library -a") values=('@nothing') ;;
    "new-library --answers") values=('@nothing') ;;
    "new-library --year") values=('@nothing') ;;
    "new-library --into") values=('@nothing') ;;
    "library update --answer"|"library update -a") values=('@nothing') ;;
    "library update --revision") values=('@nothing') ;;
    "plugins install --find-links") values=('@nothing') ;;
    "plugins install --index-url") values=('@nothing') ;;
    "plugins restore --find-links") values=('@nothing') ;;
    "plugins restore --index-url") values=('@nothing') ;;
    "completion --write") values=('@files') ;;
    *" --color") values=(auto always never) ;;
    *" --config") values=('@files') ;;
    *" --profile") values=('@nothing') ;;
    *" --timeout") values=('@nothing') ;;
  esac
}

# The files that match the word under the cursor.
_opsvi_files() {
  local line
  compopt -o filenames 2>/dev/null # not in bash 3
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$1")
}

# Offers values: words that start with $1, files, or what opsvi itself answers.
_opsvi_offer() {
  local cur=$1 line kind
  shift
  case "$1" in
    @files) _opsvi_files "$cur" ;;
    @nothing) ;;
    @*)
      kind=${1#@}
      while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
      done < <("${COMP_WORDS[0]}" __complete "$kind" "$cur" 2>/dev/null)
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
