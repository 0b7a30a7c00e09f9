"""Every setting: its name, type, default and meaning. The one place where a setting is added.

Plain dataclasses, so that reading a setting costs no pydantic; `config validate` and `config schema` build pydantic
models from them. Names in files, `OPSVI_SECTION__NAME` variables and `config get section.name` follow these fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def setting(default: object, help: str, *, project: bool = True, least: float | None = None) -> Any:
    """A field with its meaning and its smallest value.

    `project=False`: a project's own file may set it only after `config trust`. So it is for everything that names a
    program, a host or a place, and for limits that protect the machine from hostile documents.
    """
    meta = {"help": help, "project": project, "least": least}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class Ingest:
    jobs: int = setting(0, "Worker processes that read documents; 0: one a core", project=False, least=0)
    max_file_bytes: int = setting(100_000_000, "Larger files are skipped", project=False, least=1)
    max_expanded_bytes: int = setting(
        300_000_000, "Limit for what an archive or office file unpacks to", project=False, least=1
    )
    seconds_per_document: float = setting(30.0, "CPU seconds to read one document", project=False, least=0.1)
    memory_bytes: int = setting(2_000_000_000, "Memory to read one document", project=False, least=1_000_000)
    include: list[str] = setting([], "Globs: only these files of a folder")
    exclude: list[str] = setting([], "Globs: not these files of a folder")


@dataclass(frozen=True)
class Chunking:
    size: int = setting(1000, "Characters of a chunk, at most", least=1)
    overlap: int = setting(150, "Characters that neighbouring chunks share, about", least=0)


@dataclass(frozen=True)
class Retrieval:
    mode: Literal["hybrid", "dense", "keyword"] = setting("hybrid", "How passages are found")
    k: int = setting(5, "How many hits `search` shows and `query` reads", least=1)
    fusion: Literal["convex", "rrf"] = setting("convex", "How keyword and dense scores are joined")
    dense_weight: float = setting(-1.0, "Weight of the dense score, 0..1; negative: the embedder's own")
    rerank: str = setting("", "Reranker that puts the passages found in order; empty: none")
    context_tokens: int = setting(6000, "Tokens of sources that `query` gives to a model, at most", least=1)


@dataclass(frozen=True)
class Chat:
    history_tokens: int = setting(16000, "Tokens of earlier turns that `chat` gives to a model, at most", least=0)
    summarize: bool = setting(True, "A model sums up the turns that are no longer sent to it")


@dataclass(frozen=True)
class Answers:
    """How answers of models are shown, kept and reused."""

    markdown: bool = setting(True, "Answers on a terminal are rendered from Markdown as they come")
    cache: bool = setting(False, "Give the kept answer when the same is asked of the same model again")
    ttl_hours: float = setting(168.0, "Hours that an answer is kept for reuse", least=0)
    semantic: float = setting(
        0.0, "Also reuse the answer to a question this similar, 0..1 (cosine); 0: only to the same one", least=0
    )


@dataclass(frozen=True)
class Budget:
    """In US dollars, by the price table; 0: no limit."""

    per_run: float = setting(0.0, "US dollars that one command may spend on models; 0: no limit", least=0)
    per_day: float = setting(0.0, "US dollars that all commands of a day (UTC) may spend; 0: no limit", least=0)
    unknown_price: Literal["allow", "refuse"] = setting(
        "allow", "What a budget does with a model whose price is not known"
    )


@dataclass(frozen=True)
class Logs:
    enabled: bool = setting(True, "Keep prompts and answers in the log that `opsvi logs` shows")
    keep_days: int = setting(90, "Days that logged calls are kept; 0: for ever", least=0)


@dataclass(frozen=True)
class Safety:
    pii: Literal["off", "warn", "redact", "block"] = setting(
        "off", "What happens to personal data in prompts and documents"
    )
    pii_kinds: list[str] = setting([], "Kinds of personal data that are looked for; empty: all but ip")


@dataclass(frozen=True)
class Tools:
    """Globs over names of tools, e.g. `mcp.github.*`. `deny` wins over `ask`, `ask` over `allow`."""

    allow: list[str] = setting([], "Tools that models may call without a question", project=False)
    ask: list[str] = setting([], "Tools for which you are asked each time", project=False)
    deny: list[str] = setting([], "Tools that are never called", project=False)
    root: str = setting("", "Folder that the tool read_file may read; empty: the working directory", project=False)
    timeout: float = setting(30.0, "Seconds that one call of a tool may take", project=False, least=0.1)
    max_output: int = setting(20_000, "Characters of a tool's result that the model is given", project=False, least=100)
    max_steps: int = setting(10, "Calls of the model for one answer, at most", project=False, least=1)


@dataclass(frozen=True)
class Http:
    allow_private: bool = setting(False, "Fetch documents from private addresses", project=False)
    proxy: str = setting("", "Proxy URL for documents and models", project=False)
    connect_timeout: float = setting(10.0, "Seconds to connect", project=False, least=0.01)
    first_byte_timeout: float = setting(
        120.0, "Seconds until a model's server begins to answer", project=False, least=0.01
    )
    read_timeout: float = setting(60.0, "Seconds without a byte once it does", project=False, least=0.01)
    max_bytes: int = setting(10_000_000, "Largest page or file fetched, after decompression", project=False, least=1)
    max_redirects: int = setting(5, "Redirects followed", project=False, least=0)


@dataclass(frozen=True)
class Resilience:
    retries: int = setting(2, "Further tries after a failure that may pass", project=False, least=0)
    max_wait: float = setting(60.0, "Seconds a server may ask to wait; longer is an error", project=False, least=0)
    total_timeout: float = setting(
        1800.0, "Seconds until an answer of a model is complete, retries included; 0: no limit", project=False, least=0
    )
    breaker_failures: int = setting(5, "Failures in a row that open the breaker of a host", project=False, least=0)
    breaker_seconds: float = setting(30.0, "Seconds until an open breaker lets one call try", project=False, least=0)
    concurrency: int = setting(8, "Calls under way to one provider, over all processes", project=False, least=1)
    requests_per_minute: int = setting(
        0, "Requests a minute to one provider, over all processes; 0: no limit", project=False, least=0
    )
    fallback: list[str] = setting([], "Models tried in order when the first cannot answer", project=False)


@dataclass(frozen=True)
class Log:
    level: Literal["error", "warning", "info", "debug"] = setting("warning", "What is said on stderr")
    format: Literal["human", "json"] = setting("human", "How it is said")
    file: str = setting("", "Also write the log to this file", project=False)


@dataclass(frozen=True)
class Cache:
    enabled: bool = setting(True, "Keep embeddings, so that the same text is embedded once")
    max_bytes: int = setting(1_000_000_000, "Size of the cache; the oldest entries go first", project=False, least=0)


@dataclass(frozen=True)
class PluginSettings:
    disabled: list[str] = setting([], "Plugins that are not loaded", project=False)
    load: list[str] = setting(
        [], "Plugins that are not installed: modules, or paths from the folder of the file that says so", project=False
    )


@dataclass(frozen=True)
class Root:
    """The settings themselves. `providers`, `parts` and `mcp` hold a table a part or server, by its name."""

    model: str = setting("", "Model that `query`, `chat` and `prompt` use: provider/model", project=False)
    collection: str = setting("default", "Collection used when -c is not given")
    embedder: str = setting("wordllama", "Embedder of new collections", project=False)
    chunker: str = setting("recursive", "Chunker of new collections")
    store: str = setting("local", "Store of new collections", project=False)
    pager: str = setting("", "Program that shows long text on a terminal", project=False)
    ingest: Ingest = field(default_factory=Ingest)
    chunking: Chunking = field(default_factory=Chunking)
    retrieval: Retrieval = field(default_factory=Retrieval)
    chat: Chat = field(default_factory=Chat)
    answers: Answers = field(default_factory=Answers)
    budget: Budget = field(default_factory=Budget)
    logs: Logs = field(default_factory=Logs)
    safety: Safety = field(default_factory=Safety)
    tools: Tools = field(default_factory=Tools)
    http: Http = field(default_factory=Http)
    resilience: Resilience = field(default_factory=Resilience)
    log: Log = field(default_factory=Log)
    cache: Cache = field(default_factory=Cache)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    providers: dict[str, dict[str, Any]] = setting({}, "base_url, api_key, timeout ... of a provider", project=False)
    parts: dict[str, dict[str, Any]] = setting({}, "Options of any other part, by its name", project=False)
    mcp: dict[str, dict[str, Any]] = setting(
        {}, "MCP servers by name: command, args, env, or url, headers", project=False
    )
