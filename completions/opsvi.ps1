# PowerShell completion for opsvi; made by `opsvi completion powershell`

$opsviPlaces = @{
    '' = @{
        Commands  = @('ingest', 'search', 'query', 'chat', 'extract', 'collections', 'prompt', 'prompts', 'batch', 'embed', 'models', 'tokens', 'logs', 'usage', 'tools', 'mcp', 'new-library', 'library', 'recipe', 'config', 'secrets', 'plugins', 'cache', 'doctor', 'completion', 'man', 'help')
        Options   = @('-V', '--version', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout', '-h', '--help')
        Arguments = @()
    }
    'ingest' = @{
        Commands  = @()
        Options   = @('-c', '--collection', '--sync', '--include', '--exclude', '--hidden', '--chunker', '--chunk-size', '--overlap', '--embedder', '--store', '--jobs', '-n', '--dry-run', '--meta', '--name', '--pii', '--password-file', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@files')
    }
    'search' = @{
        Commands  = @()
        Options   = @('-c', '--collection', '-k', '--top', '--mode', '--where', '--fusion', '--dense-weight', '--rerank', '--batch', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'query' = @{
        Commands  = @()
        Options   = @('-c', '--collection', '-k', '--top', '--mode', '--where', '--fusion', '--dense-weight', '--rerank', '-m', '--model', '--base-url', '--system', '--template', '--schema', '--stream', '--no-stream', '--no-llm', '--strict', '--max-tokens', '--temperature', '--fallback', '--retries', '--cache', '--no-cache', '--max-cost', '--log', '--no-log', '--pii', '--markdown', '--plain', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'chat' = @{
        Commands  = @('list', 'show', 'search', 'rename', 'rm', 'export')
        Options   = @('-c', '--collection', '-k', '--top', '--where', '-m', '--model', '--base-url', '--session', '--continue', '--system', '--tool', '--retrieval', '--no-retrieval', '--stream', '--no-stream', '--markdown', '--plain', '--no-llm', '--max-tokens', '--temperature', '--fallback', '--retries', '--cache', '--no-cache', '--max-cost', '--log', '--no-log', '--pii', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'chat list' = @{
        Commands  = @()
        Options   = @('-n', '--limit', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'chat show' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@sessions')
    }
    'chat search' = @{
        Commands  = @()
        Options   = @('-n', '--limit', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'chat rename' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@sessions')
    }
    'chat rm' = @{
        Commands  = @()
        Options   = @('--older', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@sessions')
    }
    'chat export' = @{
        Commands  = @()
        Options   = @('--format', '-o', '--output', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@sessions')
    }
    'extract' = @{
        Commands  = @()
        Options   = @('--format', '--name', '--password-file', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@files')
    }
    'collections' = @{
        Commands  = @('list', 'show', 'documents', 'check', 'delete', 'rename')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'collections list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'collections show' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@collections')
    }
    'collections documents' = @{
        Commands  = @()
        Options   = @('--where', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@collections')
    }
    'collections check' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@collections')
    }
    'collections delete' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@collections')
    }
    'collections rename' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@collections')
    }
    'prompt' = @{
        Commands  = @()
        Options   = @('-m', '--model', '--base-url', '-f', '--file', '-a', '--attach', '--system', '-t', '--template', '-p', '--param', '--save', '--schema', '--schema-retries', '--tool', '-x', '--extract', '-n', '--samples', '--jobs', '--usage', '--dry-run', '--temperature', '--max-tokens', '--stream', '--no-stream', '--fallback', '--retries', '--cache', '--no-cache', '--max-cost', '--log', '--no-log', '--pii', '--markdown', '--plain', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'prompts' = @{
        Commands  = @('list', 'show', 'new', 'check', 'run', 'rm', 'path')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'prompts list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'prompts show' = @{
        Commands  = @()
        Options   = @('-p', '--param', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'prompts new' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'prompts check' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'prompts run' = @{
        Commands  = @()
        Options   = @('-p', '--param', '-m', '--model', '--base-url', '-f', '--file', '-a', '--attach', '--system', '--schema', '--schema-retries', '--tool', '-x', '--extract', '-n', '--samples', '--jobs', '--usage', '--dry-run', '--temperature', '--max-tokens', '--stream', '--no-stream', '--fallback', '--retries', '--cache', '--no-cache', '--max-cost', '--log', '--no-log', '--pii', '--markdown', '--plain', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'prompts rm' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'prompts path' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@prompts')
    }
    'batch' = @{
        Commands  = @()
        Options   = @('-o', '--output', '-m', '--model', '--base-url', '--system', '--schema', '--temperature', '--max-tokens', '--jobs', '--vendor', '--wait', '--cancel', '--fallback', '--retries', '--cache', '--no-cache', '--max-cost', '--log', '--no-log', '--pii', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'embed' = @{
        Commands  = @()
        Options   = @('--embedder', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'models' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@providers')
    }
    'tokens' = @{
        Commands  = @()
        Options   = @('-m', '--model', '--base-url', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'logs' = @{
        Commands  = @('list', 'show', 'search', 'rm', 'export')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'logs list' = @{
        Commands  = @()
        Options   = @('-m', '--model', '--command', '--since', '-n', '--limit', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'logs show' = @{
        Commands  = @()
        Options   = @('--answer', '-x', '--extract', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('last')
    }
    'logs search' = @{
        Commands  = @()
        Options   = @('-m', '--model', '--command', '--since', '-n', '--limit', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'logs rm' = @{
        Commands  = @()
        Options   = @('--older', '--all', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('last')
    }
    'logs export' = @{
        Commands  = @()
        Options   = @('--format', '-m', '--model', '--command', '--since', '-o', '--output', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'usage' = @{
        Commands  = @()
        Options   = @('--by', '--since', '--html', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'tools' = @{
        Commands  = @('list', 'show', 'call', 'log')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'tools list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@tools')
    }
    'tools show' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@tools')
    }
    'tools call' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@tools')
    }
    'tools log' = @{
        Commands  = @()
        Options   = @('-n', '--last', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'mcp' = @{
        Commands  = @('list', 'tools', 'serve')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'mcp list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'mcp tools' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@servers')
    }
    'mcp serve' = @{
        Commands  = @()
        Options   = @('-c', '--collection', '--root', '-m', '--model', '--http', '--token', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'new-library' = @{
        Commands  = @()
        Options   = @('--kind', '--part', '--feature', '--with', '--template', '--answer', '-a', '--answers', '--year', '--into', '--force', '--dry-run', '-n', '--diff', '--git', '--verify', '--trust', '--list-templates', '--list-features', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'library' = @{
        Commands  = @('info', 'check', 'deps', 'update')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'library info' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'library check' = @{
        Commands  = @()
        Options   = @('--strict', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'library deps' = @{
        Commands  = @()
        Options   = @('--write', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'library update' = @{
        Commands  = @()
        Options   = @('--answer', '-a', '--revision', '--dry-run', '-n', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'recipe' = @{
        Commands  = @('show')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'recipe show' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config' = @{
        Commands  = @('get', 'list', 'set', 'unset', 'path', 'edit', 'validate', 'schema', 'trust', 'untrust')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config get' = @{
        Commands  = @()
        Options   = @('--show-origin', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('model', 'collection', 'embedder', 'chunker', 'store', 'pager', 'ingest.jobs', 'ingest.max_file_bytes', 'ingest.max_expanded_bytes', 'ingest.seconds_per_document', 'ingest.memory_bytes', 'ingest.include', 'ingest.exclude', 'chunking.size', 'chunking.overlap', 'retrieval.mode', 'retrieval.k', 'retrieval.fusion', 'retrieval.dense_weight', 'retrieval.rerank', 'retrieval.context_tokens', 'chat.history_tokens', 'chat.summarize', 'answers.markdown', 'answers.cache', 'answers.ttl_hours', 'answers.semantic', 'budget.per_run', 'budget.per_day', 'budget.unknown_price', 'logs.enabled', 'logs.keep_days', 'safety.pii', 'safety.pii_kinds', 'tools.allow', 'tools.ask', 'tools.deny', 'tools.root', 'tools.timeout', 'tools.max_output', 'tools.max_steps', 'http.allow_private', 'http.proxy', 'http.connect_timeout', 'http.first_byte_timeout', 'http.read_timeout', 'http.max_bytes', 'http.max_redirects', 'resilience.retries', 'resilience.max_wait', 'resilience.total_timeout', 'resilience.breaker_failures', 'resilience.breaker_seconds', 'resilience.concurrency', 'resilience.requests_per_minute', 'resilience.fallback', 'log.level', 'log.format', 'log.file', 'cache.enabled', 'cache.max_bytes', 'plugins.disabled', 'plugins.load')
    }
    'config list' = @{
        Commands  = @()
        Options   = @('--show-origin', '--changed', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config set' = @{
        Commands  = @()
        Options   = @('--project', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('model', 'collection', 'embedder', 'chunker', 'store', 'pager', 'ingest.jobs', 'ingest.max_file_bytes', 'ingest.max_expanded_bytes', 'ingest.seconds_per_document', 'ingest.memory_bytes', 'ingest.include', 'ingest.exclude', 'chunking.size', 'chunking.overlap', 'retrieval.mode', 'retrieval.k', 'retrieval.fusion', 'retrieval.dense_weight', 'retrieval.rerank', 'retrieval.context_tokens', 'chat.history_tokens', 'chat.summarize', 'answers.markdown', 'answers.cache', 'answers.ttl_hours', 'answers.semantic', 'budget.per_run', 'budget.per_day', 'budget.unknown_price', 'logs.enabled', 'logs.keep_days', 'safety.pii', 'safety.pii_kinds', 'tools.allow', 'tools.ask', 'tools.deny', 'tools.root', 'tools.timeout', 'tools.max_output', 'tools.max_steps', 'http.allow_private', 'http.proxy', 'http.connect_timeout', 'http.first_byte_timeout', 'http.read_timeout', 'http.max_bytes', 'http.max_redirects', 'resilience.retries', 'resilience.max_wait', 'resilience.total_timeout', 'resilience.breaker_failures', 'resilience.breaker_seconds', 'resilience.concurrency', 'resilience.requests_per_minute', 'resilience.fallback', 'log.level', 'log.format', 'log.file', 'cache.enabled', 'cache.max_bytes', 'plugins.disabled', 'plugins.load')
    }
    'config unset' = @{
        Commands  = @()
        Options   = @('--project', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('model', 'collection', 'embedder', 'chunker', 'store', 'pager', 'ingest.jobs', 'ingest.max_file_bytes', 'ingest.max_expanded_bytes', 'ingest.seconds_per_document', 'ingest.memory_bytes', 'ingest.include', 'ingest.exclude', 'chunking.size', 'chunking.overlap', 'retrieval.mode', 'retrieval.k', 'retrieval.fusion', 'retrieval.dense_weight', 'retrieval.rerank', 'retrieval.context_tokens', 'chat.history_tokens', 'chat.summarize', 'answers.markdown', 'answers.cache', 'answers.ttl_hours', 'answers.semantic', 'budget.per_run', 'budget.per_day', 'budget.unknown_price', 'logs.enabled', 'logs.keep_days', 'safety.pii', 'safety.pii_kinds', 'tools.allow', 'tools.ask', 'tools.deny', 'tools.root', 'tools.timeout', 'tools.max_output', 'tools.max_steps', 'http.allow_private', 'http.proxy', 'http.connect_timeout', 'http.first_byte_timeout', 'http.read_timeout', 'http.max_bytes', 'http.max_redirects', 'resilience.retries', 'resilience.max_wait', 'resilience.total_timeout', 'resilience.breaker_failures', 'resilience.breaker_seconds', 'resilience.concurrency', 'resilience.requests_per_minute', 'resilience.fallback', 'log.level', 'log.format', 'log.file', 'cache.enabled', 'cache.max_bytes', 'plugins.disabled', 'plugins.load')
    }
    'config path' = @{
        Commands  = @()
        Options   = @('--project', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config edit' = @{
        Commands  = @()
        Options   = @('--project', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config validate' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config schema' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config trust' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'config untrust' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets' = @{
        Commands  = @('set', 'get', 'list', 'rm', 'path', 'test')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets set' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@providers')
    }
    'secrets get' = @{
        Commands  = @()
        Options   = @('--reveal', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets rm' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets path' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'secrets test' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'plugins' = @{
        Commands  = @('list', 'info', 'check', 'install', 'uninstall', 'freeze', 'restore', 'enable', 'disable')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'plugins list' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'plugins info' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins check' = @{
        Commands  = @()
        Options   = @('--strict', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins install' = @{
        Commands  = @()
        Options   = @('--isolated', '-U', '--upgrade', '--pre', '--find-links', '--index-url', '--no-index', '-n', '--dry-run', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins uninstall' = @{
        Commands  = @()
        Options   = @('-n', '--dry-run', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins freeze' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'plugins restore' = @{
        Commands  = @()
        Options   = @('--find-links', '--index-url', '--no-index', '-n', '--dry-run', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins enable' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'plugins disable' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('@plugins')
    }
    'cache' = @{
        Commands  = @('stats', 'clear', 'prune')
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'cache stats' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'cache clear' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('answers', 'embeddings')
    }
    'cache prune' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'doctor' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'completion' = @{
        Commands  = @()
        Options   = @('--write', '-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('bash', 'zsh', 'fish', 'powershell')
    }
    'man' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @()
    }
    'help' = @{
        Commands  = @()
        Options   = @('-h', '--help', '--json', '--jsonl', '-q', '--quiet', '-v', '--verbose', '--debug', '--no-input', '-y', '--yes', '--color', '--config', '--profile', '--timeout')
        Arguments = @('ingest', 'search', 'query', 'chat', 'extract', 'collections', 'prompt', 'prompts', 'batch', 'embed', 'models', 'tokens', 'logs', 'usage', 'tools', 'mcp', 'new-library', 'library', 'recipe', 'config', 'secrets', 'plugins', 'cache', 'doctor', 'completion', 'man', 'help', 'environment', 'exit-codes', 'formatting', 'filters')
    }
}
$opsviValues = [System.Collections.Hashtable]::new([System.StringComparer]::Ordinal)
$opsviValues[' --color'] = @('auto', 'always', 'never')
$opsviValues[' --config'] = @('@files')
$opsviValues[' --profile'] = @('@nothing')
$opsviValues[' --timeout'] = @('@nothing')
$opsviValues['ingest -c'] = @('@collections')
$opsviValues['ingest --collection'] = @('@collections')
$opsviValues['ingest --include'] = @('@nothing')
$opsviValues['ingest --exclude'] = @('@nothing')
$opsviValues['ingest --chunker'] = @('fixed', 'markdown', 'paragraph', 'recursive', 'sentence')
$opsviValues['ingest --chunk-size'] = @('@nothing')
$opsviValues['ingest --overlap'] = @('@nothing')
$opsviValues['ingest --embedder'] = @('azure', 'hash', 'llama-server', 'lmstudio', 'mistral', 'ollama', 'openai', 'openrouter', 'vllm', 'wordllama')
$opsviValues['ingest --store'] = @('local', 'memory')
$opsviValues['ingest --jobs'] = @('@nothing')
$opsviValues['ingest --meta'] = @('@nothing')
$opsviValues['ingest --name'] = @('@nothing')
$opsviValues['ingest --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['ingest --password-file'] = @('@nothing')
$opsviValues['search -c'] = @('@collections')
$opsviValues['search --collection'] = @('@collections')
$opsviValues['search -k'] = @('@nothing')
$opsviValues['search --top'] = @('@nothing')
$opsviValues['search --mode'] = @('hybrid', 'dense', 'keyword')
$opsviValues['search --where'] = @('@nothing')
$opsviValues['search --fusion'] = @('convex', 'rrf')
$opsviValues['search --dense-weight'] = @('@nothing')
$opsviValues['search --rerank'] = @('llama-server', 'vllm')
$opsviValues['search --batch'] = @('@files')
$opsviValues['query -c'] = @('@collections')
$opsviValues['query --collection'] = @('@collections')
$opsviValues['query -k'] = @('@nothing')
$opsviValues['query --top'] = @('@nothing')
$opsviValues['query --mode'] = @('hybrid', 'dense', 'keyword')
$opsviValues['query --where'] = @('@nothing')
$opsviValues['query --fusion'] = @('convex', 'rrf')
$opsviValues['query --dense-weight'] = @('@nothing')
$opsviValues['query --rerank'] = @('llama-server', 'vllm')
$opsviValues['query -m'] = @('@models')
$opsviValues['query --model'] = @('@models')
$opsviValues['query --base-url'] = @('@nothing')
$opsviValues['query --system'] = @('@nothing')
$opsviValues['query --template'] = @('@files')
$opsviValues['query --schema'] = @('@files')
$opsviValues['query --max-tokens'] = @('@nothing')
$opsviValues['query --temperature'] = @('@nothing')
$opsviValues['query --fallback'] = @('@models')
$opsviValues['query --retries'] = @('@nothing')
$opsviValues['query --max-cost'] = @('@nothing')
$opsviValues['query --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['chat -c'] = @('@collections')
$opsviValues['chat --collection'] = @('@collections')
$opsviValues['chat -k'] = @('@nothing')
$opsviValues['chat --top'] = @('@nothing')
$opsviValues['chat --where'] = @('@nothing')
$opsviValues['chat -m'] = @('@models')
$opsviValues['chat --model'] = @('@models')
$opsviValues['chat --base-url'] = @('@nothing')
$opsviValues['chat --session'] = @('@sessions')
$opsviValues['chat --system'] = @('@nothing')
$opsviValues['chat --tool'] = @('@tools')
$opsviValues['chat --max-tokens'] = @('@nothing')
$opsviValues['chat --temperature'] = @('@nothing')
$opsviValues['chat --fallback'] = @('@models')
$opsviValues['chat --retries'] = @('@nothing')
$opsviValues['chat --max-cost'] = @('@nothing')
$opsviValues['chat --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['chat list -n'] = @('@nothing')
$opsviValues['chat list --limit'] = @('@nothing')
$opsviValues['chat search -n'] = @('@nothing')
$opsviValues['chat search --limit'] = @('@nothing')
$opsviValues['chat rm --older'] = @('@nothing')
$opsviValues['chat export --format'] = @('md', 'json')
$opsviValues['chat export -o'] = @('@files')
$opsviValues['chat export --output'] = @('@files')
$opsviValues['extract --format'] = @('markdown', 'text', 'json')
$opsviValues['extract --name'] = @('@nothing')
$opsviValues['extract --password-file'] = @('@nothing')
$opsviValues['collections documents --where'] = @('@nothing')
$opsviValues['prompt -m'] = @('@models')
$opsviValues['prompt --model'] = @('@models')
$opsviValues['prompt --base-url'] = @('@nothing')
$opsviValues['prompt -f'] = @('@files')
$opsviValues['prompt --file'] = @('@files')
$opsviValues['prompt -a'] = @('@files')
$opsviValues['prompt --attach'] = @('@files')
$opsviValues['prompt --system'] = @('@nothing')
$opsviValues['prompt -t'] = @('@prompts')
$opsviValues['prompt --template'] = @('@prompts')
$opsviValues['prompt -p'] = @('@nothing')
$opsviValues['prompt --param'] = @('@nothing')
$opsviValues['prompt --save'] = @('@nothing')
$opsviValues['prompt --schema'] = @('@files')
$opsviValues['prompt --schema-retries'] = @('@nothing')
$opsviValues['prompt --tool'] = @('@tools')
$opsviValues['prompt -n'] = @('@nothing')
$opsviValues['prompt --samples'] = @('@nothing')
$opsviValues['prompt --jobs'] = @('@nothing')
$opsviValues['prompt --temperature'] = @('@nothing')
$opsviValues['prompt --max-tokens'] = @('@nothing')
$opsviValues['prompt --fallback'] = @('@models')
$opsviValues['prompt --retries'] = @('@nothing')
$opsviValues['prompt --max-cost'] = @('@nothing')
$opsviValues['prompt --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['prompts show -p'] = @('@nothing')
$opsviValues['prompts show --param'] = @('@nothing')
$opsviValues['prompts run -p'] = @('@nothing')
$opsviValues['prompts run --param'] = @('@nothing')
$opsviValues['prompts run -m'] = @('@models')
$opsviValues['prompts run --model'] = @('@models')
$opsviValues['prompts run --base-url'] = @('@nothing')
$opsviValues['prompts run -f'] = @('@files')
$opsviValues['prompts run --file'] = @('@files')
$opsviValues['prompts run -a'] = @('@files')
$opsviValues['prompts run --attach'] = @('@files')
$opsviValues['prompts run --system'] = @('@nothing')
$opsviValues['prompts run --schema'] = @('@files')
$opsviValues['prompts run --schema-retries'] = @('@nothing')
$opsviValues['prompts run --tool'] = @('@tools')
$opsviValues['prompts run -n'] = @('@nothing')
$opsviValues['prompts run --samples'] = @('@nothing')
$opsviValues['prompts run --jobs'] = @('@nothing')
$opsviValues['prompts run --temperature'] = @('@nothing')
$opsviValues['prompts run --max-tokens'] = @('@nothing')
$opsviValues['prompts run --fallback'] = @('@models')
$opsviValues['prompts run --retries'] = @('@nothing')
$opsviValues['prompts run --max-cost'] = @('@nothing')
$opsviValues['prompts run --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['batch -o'] = @('@files')
$opsviValues['batch --output'] = @('@files')
$opsviValues['batch -m'] = @('@models')
$opsviValues['batch --model'] = @('@models')
$opsviValues['batch --base-url'] = @('@nothing')
$opsviValues['batch --system'] = @('@nothing')
$opsviValues['batch --schema'] = @('@files')
$opsviValues['batch --temperature'] = @('@nothing')
$opsviValues['batch --max-tokens'] = @('@nothing')
$opsviValues['batch --jobs'] = @('@nothing')
$opsviValues['batch --wait'] = @('@nothing')
$opsviValues['batch --fallback'] = @('@models')
$opsviValues['batch --retries'] = @('@nothing')
$opsviValues['batch --max-cost'] = @('@nothing')
$opsviValues['batch --pii'] = @('off', 'warn', 'redact', 'block')
$opsviValues['embed --embedder'] = @('azure', 'hash', 'llama-server', 'lmstudio', 'mistral', 'ollama', 'openai', 'openrouter', 'vllm', 'wordllama')
$opsviValues['tokens -m'] = @('@models')
$opsviValues['tokens --model'] = @('@models')
$opsviValues['tokens --base-url'] = @('@nothing')
$opsviValues['logs list -m'] = @('@models')
$opsviValues['logs list --model'] = @('@models')
$opsviValues['logs list --command'] = @('@nothing')
$opsviValues['logs list --since'] = @('@nothing')
$opsviValues['logs list -n'] = @('@nothing')
$opsviValues['logs list --limit'] = @('@nothing')
$opsviValues['logs search -m'] = @('@models')
$opsviValues['logs search --model'] = @('@models')
$opsviValues['logs search --command'] = @('@nothing')
$opsviValues['logs search --since'] = @('@nothing')
$opsviValues['logs search -n'] = @('@nothing')
$opsviValues['logs search --limit'] = @('@nothing')
$opsviValues['logs rm --older'] = @('@nothing')
$opsviValues['logs export --format'] = @('jsonl', 'md')
$opsviValues['logs export -m'] = @('@models')
$opsviValues['logs export --model'] = @('@models')
$opsviValues['logs export --command'] = @('@nothing')
$opsviValues['logs export --since'] = @('@nothing')
$opsviValues['logs export -o'] = @('@files')
$opsviValues['logs export --output'] = @('@files')
$opsviValues['usage --by'] = @('day', 'model', 'command', 'provider')
$opsviValues['usage --since'] = @('@nothing')
$opsviValues['usage --html'] = @('@nothing')
$opsviValues['tools log -n'] = @('@nothing')
$opsviValues['tools log --last'] = @('@nothing')
$opsviValues['mcp serve -c'] = @('@collections')
$opsviValues['mcp serve --collection'] = @('@collections')
$opsviValues['mcp serve --root'] = @('@nothing')
$opsviValues['mcp serve -m'] = @('@models')
$opsviValues['mcp serve --model'] = @('@models')
$opsviValues['mcp serve --http'] = @('@nothing')
$opsviValues['mcp serve --token'] = @('@nothing')
$opsviValues['new-library --kind'] = @('@nothing')
$opsviValues['new-library --part'] = @('@nothing')
$opsviValues['new-library --feature'] = @('@nothing')
$opsviValues['new-library --with'] = @('@nothing')
$opsviValues['new-library --template'] = @('@files')
$opsviValues['new-library --answer'] = @('@nothing')
$opsviValues['new-library -a'] = @('@nothing')
$opsviValues['new-library --answers'] = @('@nothing')
$opsviValues['new-library --year'] = @('@nothing')
$opsviValues['new-library --into'] = @('@nothing')
$opsviValues['library update --answer'] = @('@nothing')
$opsviValues['library update -a'] = @('@nothing')
$opsviValues['library update --revision'] = @('@nothing')
$opsviValues['plugins install --find-links'] = @('@nothing')
$opsviValues['plugins install --index-url'] = @('@nothing')
$opsviValues['plugins restore --find-links'] = @('@nothing')
$opsviValues['plugins restore --index-url'] = @('@nothing')
$opsviValues['completion --write'] = @('@files')

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
