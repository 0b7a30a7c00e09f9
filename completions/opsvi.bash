# bash completion for opsvi; made by `opsvi completion bash`

# Words that may stand at a place: its commands, options, arguments.
_opsvi_place() {
  commands=() options=() arguments=()
  case "$1" in
    "")
      commands=(ingest search query chat extract collections prompt prompts batch embed models tokens logs usage tools mcp new-library library recipe config secrets plugins cache doctor completion man help)
      options=(-V --version --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout -h --help)
      ;;
    "ingest")
      options=(-c --collection --sync --include --exclude --hidden --chunker --chunk-size --overlap --embedder --store --jobs -n --dry-run --meta --name --pii --password-file -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@files')
      ;;
    "search")
      options=(-c --collection -k --top --mode --where --fusion --dense-weight --rerank --batch -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "query")
      options=(-c --collection -k --top --mode --where --fusion --dense-weight --rerank -m --model --base-url --system --template --schema --stream --no-stream --no-llm --strict --max-tokens --temperature --fallback --retries --cache --no-cache --max-cost --log --no-log --pii --markdown --plain -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "chat")
      commands=(list show search rename rm export)
      options=(-c --collection -k --top --where -m --model --base-url --session --continue --system --tool --retrieval --no-retrieval --stream --no-stream --markdown --plain --no-llm --max-tokens --temperature --fallback --retries --cache --no-cache --max-cost --log --no-log --pii -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "chat list")
      options=(-n --limit -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "chat show")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@sessions')
      ;;
    "chat search")
      options=(-n --limit -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "chat rename")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@sessions')
      ;;
    "chat rm")
      options=(--older -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@sessions')
      ;;
    "chat export")
      options=(--format -o --output -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@sessions')
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
      options=(-m --model --base-url -f --file -a --attach --system -t --template -p --param --save --schema --schema-retries --tool -x --extract -n --samples --jobs --usage --dry-run --temperature --max-tokens --stream --no-stream --fallback --retries --cache --no-cache --max-cost --log --no-log --pii --markdown --plain -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "prompts")
      commands=(list show new check run rm path)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "prompts list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "prompts show")
      options=(-p --param -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "prompts new")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "prompts check")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "prompts run")
      options=(-p --param -m --model --base-url -f --file -a --attach --system --schema --schema-retries --tool -x --extract -n --samples --jobs --usage --dry-run --temperature --max-tokens --stream --no-stream --fallback --retries --cache --no-cache --max-cost --log --no-log --pii --markdown --plain -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "prompts rm")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "prompts path")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@prompts')
      ;;
    "batch")
      options=(-o --output -m --model --base-url --system --schema --temperature --max-tokens --jobs --vendor --wait --cancel --fallback --retries --cache --no-cache --max-cost --log --no-log --pii -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "embed")
      options=(--embedder -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "models")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@providers')
      ;;
    "tokens")
      options=(-m --model --base-url -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "logs")
      commands=(list show search rm export)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "logs list")
      options=(-m --model --command --since -n --limit -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "logs show")
      options=(--answer -x --extract -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(last)
      ;;
    "logs search")
      options=(-m --model --command --since -n --limit -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "logs rm")
      options=(--older --all -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(last)
      ;;
    "logs export")
      options=(--format -m --model --command --since -o --output -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "usage")
      options=(--by --since --html -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "tools")
      commands=(list show call log)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "tools list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@tools')
      ;;
    "tools show")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@tools')
      ;;
    "tools call")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@tools')
      ;;
    "tools log")
      options=(-n --last -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "mcp")
      commands=(list tools serve)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "mcp list")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "mcp tools")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=('@servers')
      ;;
    "mcp serve")
      options=(-c --collection --root -m --model --http --token -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
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
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.rerank' 'retrieval.context_tokens' 'chat.history_tokens' 'chat.summarize' 'answers.markdown' 'answers.cache' 'answers.ttl_hours' 'answers.semantic' 'budget.per_run' 'budget.per_day' 'budget.unknown_price' 'logs.enabled' 'logs.keep_days' 'safety.pii' 'safety.pii_kinds' 'tools.allow' 'tools.ask' 'tools.deny' 'tools.root' 'tools.timeout' 'tools.max_output' 'tools.max_steps' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.first_byte_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.total_timeout' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
      ;;
    "config list")
      options=(--show-origin --changed -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "config set")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.rerank' 'retrieval.context_tokens' 'chat.history_tokens' 'chat.summarize' 'answers.markdown' 'answers.cache' 'answers.ttl_hours' 'answers.semantic' 'budget.per_run' 'budget.per_day' 'budget.unknown_price' 'logs.enabled' 'logs.keep_days' 'safety.pii' 'safety.pii_kinds' 'tools.allow' 'tools.ask' 'tools.deny' 'tools.root' 'tools.timeout' 'tools.max_output' 'tools.max_steps' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.first_byte_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.total_timeout' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
      ;;
    "config unset")
      options=(--project -h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(model collection embedder chunker store pager 'ingest.jobs' 'ingest.max_file_bytes' 'ingest.max_expanded_bytes' 'ingest.seconds_per_document' 'ingest.memory_bytes' 'ingest.include' 'ingest.exclude' 'chunking.size' 'chunking.overlap' 'retrieval.mode' 'retrieval.k' 'retrieval.fusion' 'retrieval.dense_weight' 'retrieval.rerank' 'retrieval.context_tokens' 'chat.history_tokens' 'chat.summarize' 'answers.markdown' 'answers.cache' 'answers.ttl_hours' 'answers.semantic' 'budget.per_run' 'budget.per_day' 'budget.unknown_price' 'logs.enabled' 'logs.keep_days' 'safety.pii' 'safety.pii_kinds' 'tools.allow' 'tools.ask' 'tools.deny' 'tools.root' 'tools.timeout' 'tools.max_output' 'tools.max_steps' 'http.allow_private' 'http.proxy' 'http.connect_timeout' 'http.first_byte_timeout' 'http.read_timeout' 'http.max_bytes' 'http.max_redirects' 'resilience.retries' 'resilience.max_wait' 'resilience.total_timeout' 'resilience.breaker_failures' 'resilience.breaker_seconds' 'resilience.concurrency' 'resilience.requests_per_minute' 'resilience.fallback' 'log.level' 'log.format' 'log.file' 'cache.enabled' 'cache.max_bytes' 'plugins.disabled' 'plugins.load')
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
      arguments=('@providers')
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
    "cache")
      commands=(stats clear prune)
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "cache stats")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      ;;
    "cache clear")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
      arguments=(answers embeddings)
      ;;
    "cache prune")
      options=(-h --help --json --jsonl -q --quiet -v --verbose --debug --no-input -y --yes --color --config --profile --timeout)
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
      arguments=(ingest search query chat extract collections prompt prompts batch embed models tokens logs usage tools mcp new-library library recipe config secrets plugins cache doctor completion man help environment exit-codes formatting filters)
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
    "ingest --embedder") values=(azure hash llama-server lmstudio mistral ollama openai openrouter vllm wordllama) ;;
    "ingest --store") values=(local memory) ;;
    "ingest --jobs") values=('@nothing') ;;
    "ingest --meta") values=('@nothing') ;;
    "ingest --name") values=('@nothing') ;;
    "ingest --pii") values=(off warn redact block) ;;
    "ingest --password-file") values=('@nothing') ;;
    "search -c"|"search --collection") values=('@collections') ;;
    "search -k"|"search --top") values=('@nothing') ;;
    "search --mode") values=(hybrid dense keyword) ;;
    "search --where") values=('@nothing') ;;
    "search --fusion") values=(convex rrf) ;;
    "search --dense-weight") values=('@nothing') ;;
    "search --rerank") values=(llama-server vllm) ;;
    "search --batch") values=('@files') ;;
    "query -c"|"query --collection") values=('@collections') ;;
    "query -k"|"query --top") values=('@nothing') ;;
    "query --mode") values=(hybrid dense keyword) ;;
    "query --where") values=('@nothing') ;;
    "query --fusion") values=(convex rrf) ;;
    "query --dense-weight") values=('@nothing') ;;
    "query --rerank") values=(llama-server vllm) ;;
    "query -m"|"query --model") values=('@models') ;;
    "query --base-url") values=('@nothing') ;;
    "query --system") values=('@nothing') ;;
    "query --template") values=('@files') ;;
    "query --schema") values=('@files') ;;
    "query --max-tokens") values=('@nothing') ;;
    "query --temperature") values=('@nothing') ;;
    "query --fallback") values=('@models') ;;
    "query --retries") values=('@nothing') ;;
    "query --max-cost") values=('@nothing') ;;
    "query --pii") values=(off warn redact block) ;;
    "chat -c"|"chat --collection") values=('@collections') ;;
    "chat -k"|"chat --top") values=('@nothing') ;;
    "chat --where") values=('@nothing') ;;
    "chat -m"|"chat --model") values=('@models') ;;
    "chat --base-url") values=('@nothing') ;;
    "chat --session") values=('@sessions') ;;
    "chat --system") values=('@nothing') ;;
    "chat --tool") values=('@tools') ;;
    "chat --max-tokens") values=('@nothing') ;;
    "chat --temperature") values=('@nothing') ;;
    "chat --fallback") values=('@models') ;;
    "chat --retries") values=('@nothing') ;;
    "chat --max-cost") values=('@nothing') ;;
    "chat --pii") values=(off warn redact block) ;;
    "chat list -n"|"chat list --limit") values=('@nothing') ;;
    "chat search -n"|"chat search --limit") values=('@nothing') ;;
    "chat rm --older") values=('@nothing') ;;
    "chat export --format") values=(md json) ;;
    "chat export -o"|"chat export --output") values=('@files') ;;
    "extract --format") values=(markdown text json) ;;
    "extract --name") values=('@nothing') ;;
    "extract --password-file") values=('@nothing') ;;
    "collections documents --where") values=('@nothing') ;;
    "prompt -m"|"prompt --model") values=('@models') ;;
    "prompt --base-url") values=('@nothing') ;;
    "prompt -f"|"prompt --file") values=('@files') ;;
    "prompt -a"|"prompt --attach") values=('@files') ;;
    "prompt --system") values=('@nothing') ;;
    "prompt -t"|"prompt --template") values=('@prompts') ;;
    "prompt -p"|"prompt --param") values=('@nothing') ;;
    "prompt --save") values=('@nothing') ;;
    "prompt --schema") values=('@files') ;;
    "prompt --schema-retries") values=('@nothing') ;;
    "prompt --tool") values=('@tools') ;;
    "prompt -n"|"prompt --samples") values=('@nothing') ;;
    "prompt --jobs") values=('@nothing') ;;
    "prompt --temperature") values=('@nothing') ;;
    "prompt --max-tokens") values=('@nothing') ;;
    "prompt --fallback") values=('@models') ;;
    "prompt --retries") values=('@nothing') ;;
    "prompt --max-cost") values=('@nothing') ;;
    "prompt --pii") values=(off warn redact block) ;;
    "prompts show -p"|"prompts show --param") values=('@nothing') ;;
    "prompts run -p"|"prompts run --param") values=('@nothing') ;;
    "prompts run -m"|"prompts run --model") values=('@models') ;;
    "prompts run --base-url") values=('@nothing') ;;
    "prompts run -f"|"prompts run --file") values=('@files') ;;
    "prompts run -a"|"prompts run --attach") values=('@files') ;;
    "prompts run --system") values=('@nothing') ;;
    "prompts run --schema") values=('@files') ;;
    "prompts run --schema-retries") values=('@nothing') ;;
    "prompts run --tool") values=('@tools') ;;
    "prompts run -n"|"prompts run --samples") values=('@nothing') ;;
    "prompts run --jobs") values=('@nothing') ;;
    "prompts run --temperature") values=('@nothing') ;;
    "prompts run --max-tokens") values=('@nothing') ;;
    "prompts run --fallback") values=('@models') ;;
    "prompts run --retries") values=('@nothing') ;;
    "prompts run --max-cost") values=('@nothing') ;;
    "prompts run --pii") values=(off warn redact block) ;;
    "batch -o"|"batch --output") values=('@files') ;;
    "batch -m"|"batch --model") values=('@models') ;;
    "batch --base-url") values=('@nothing') ;;
    "batch --system") values=('@nothing') ;;
    "batch --schema") values=('@files') ;;
    "batch --temperature") values=('@nothing') ;;
    "batch --max-tokens") values=('@nothing') ;;
    "batch --jobs") values=('@nothing') ;;
    "batch --wait") values=('@nothing') ;;
    "batch --fallback") values=('@models') ;;
    "batch --retries") values=('@nothing') ;;
    "batch --max-cost") values=('@nothing') ;;
    "batch --pii") values=(off warn redact block) ;;
    "embed --embedder") values=(azure hash llama-server lmstudio mistral ollama openai openrouter vllm wordllama) ;;
    "tokens -m"|"tokens --model") values=('@models') ;;
    "tokens --base-url") values=('@nothing') ;;
    "logs list -m"|"logs list --model") values=('@models') ;;
    "logs list --command") values=('@nothing') ;;
    "logs list --since") values=('@nothing') ;;
    "logs list -n"|"logs list --limit") values=('@nothing') ;;
    "logs search -m"|"logs search --model") values=('@models') ;;
    "logs search --command") values=('@nothing') ;;
    "logs search --since") values=('@nothing') ;;
    "logs search -n"|"logs search --limit") values=('@nothing') ;;
    "logs rm --older") values=('@nothing') ;;
    "logs export --format") values=(jsonl md) ;;
    "logs export -m"|"logs export --model") values=('@models') ;;
    "logs export --command") values=('@nothing') ;;
    "logs export --since") values=('@nothing') ;;
    "logs export -o"|"logs export --output") values=('@files') ;;
    "usage --by") values=(day model command provider) ;;
    "usage --since") values=('@nothing') ;;
    "usage --html") values=('@nothing') ;;
    "tools log -n"|"tools log --last") values=('@nothing') ;;
    "mcp serve -c"|"mcp serve --collection") values=('@collections') ;;
    "mcp serve --root") values=('@nothing') ;;
    "mcp serve -m"|"mcp serve --model") values=('@models') ;;
    "mcp serve --http") values=('@nothing') ;;
    "mcp serve --token") values=('@nothing') ;;
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
