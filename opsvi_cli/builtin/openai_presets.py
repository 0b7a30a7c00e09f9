"""Vendors and programs whose servers speak OpenAI's chat completions API, and in what each differs from it.

The one table to change when a server differs. Every field can be set per provider, `providers.NAME.FIELD`; a setting
`preset` gives a provider of one's own name the fields of a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from opsvi_cli.sdk import Services, UsageError, is_private

SchemaWay = Literal["json_schema", "json_object", "grammar", "prompt"]
OPENAI = "openai"
COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class Preset:
    """`base_url` is empty when only the user knows it. The fields from `stream_options` on are quirks."""

    title: str
    base_url: str = ""
    variable: str = ""
    """Environment variable of the key, sent to the vendor's `hosts` only."""
    hosts: tuple[str, ...] = ()
    """Hosts, or ends of hosts, that the variable's key is for."""
    keyless: bool = False
    """A server of one's own: needs no key, and is asked for its models only when it is set up."""
    key_header: str = "authorization"
    embedding_model: str = ""
    embeddings: bool = True
    reranking: bool = False
    """Has an endpoint /rerank, as Jina's and Cohere's."""
    stream_options: bool = True
    """Tokens of a stream have to be asked for, and may be."""
    temperature_max: float = 2.0
    json_schema: SchemaWay = "json_schema"
    """How a schema is given: as it is, as "JSON, please" with the schema in the prompt, TGI's grammar, prompt only."""
    strict: bool = False
    """Knows `strict` schemas."""
    tools: bool = True
    images: bool = True
    files: bool = False
    """Reads PDF files as parts of a message."""
    base64: bool = False
    """Sends vectors in base64, a quarter of the size."""
    max_tokens: str = "max_tokens"
    """Name of the field for the longest answer."""
    reasoning: bool = True
    """Reasoning may come in a field of its own, `reasoning_content` or `reasoning`."""
    think_tags: bool = False
    """The answer may begin with <think>...</think>, which is reasoning."""
    batches: bool = False
    """Has OpenAI's files and batches endpoints."""

    def is_free(self, options: Mapping[str, Any], address: str = "base_url") -> bool:
        """Nobody is paid: a server of one's own, by its address, that is asked without a key."""
        url = str(options.get(address) or options.get("base_url") or self.base_url)
        own = self.keyless and is_private(urlsplit(url).hostname or "")
        return own and not options.get("api_key")


PRESETS: Mapping[str, Preset] = {
    OPENAI: Preset(
        "OpenAI, and any server that speaks its API",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        ("api.openai.com",),
        embedding_model="text-embedding-3-small",
        strict=True,
        files=True,
        base64=True,
        max_tokens="max_completion_tokens",
        batches=True,
    ),
    "azure": Preset(
        "Azure OpenAI; the model is the deployment",
        "",
        "AZURE_OPENAI_API_KEY",
        (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
        key_header="api-key",
        strict=True,
        files=True,
        base64=True,
        max_tokens="max_completion_tokens",
    ),
    "openrouter": Preset(
        "OpenRouter: models of many vendors",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        ("openrouter.ai",),
        files=True,
    ),
    "groq": Preset(
        "Groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        ("api.groq.com",),
        embeddings=False,
        json_schema="json_object",
        max_tokens="max_completion_tokens",
        think_tags=True,
    ),
    "mistral": Preset(
        "Mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        ("api.mistral.ai",),
        embedding_model="mistral-embed",
        stream_options=False,
        temperature_max=1.5,
        strict=True,
    ),
    "deepseek": Preset(
        "DeepSeek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        ("api.deepseek.com",),
        embeddings=False,
        json_schema="json_object",
        images=False,
    ),
    "ollama": Preset("Ollama on this machine", "http://localhost:11434/v1", keyless=True),
    "llama-server": Preset(
        "llama.cpp's server on this machine", "http://localhost:8080/v1", keyless=True, reranking=True, base64=True
    ),
    "vllm": Preset(
        "vLLM on this machine",
        "http://localhost:8000/v1",
        keyless=True,
        reranking=True,
        think_tags=True,
        base64=True,
    ),
    "lmstudio": Preset("LM Studio on this machine", "http://localhost:1234/v1", keyless=True, think_tags=True),
    "tgi": Preset(
        "Hugging Face TGI on this machine",
        "http://localhost:3000/v1",
        keyless=True,
        embeddings=False,
        json_schema="grammar",
        tools=False,
        reasoning=False,
    ),
    COMPATIBLE: Preset("Any other server with OpenAI's API", strict=True),
}
_NAMES = [field.name for field in fields(Preset)]
QUIRKS = tuple(_NAMES[_NAMES.index("stream_options") :])
"""The fields that are settings."""


def preset_of(services: Services) -> Preset:
    """The row of a part by its name, or by its setting `preset`, with its own settings over it. Raises UsageError."""
    options = services.options
    name = str(options.get("preset") or services.name)
    preset = PRESETS.get(name)
    if preset is None:
        raise UsageError(f"{services.name}: there is no preset {name!r}", hint=f"presets: {', '.join(PRESETS)}")
    if services.name == OPENAI and (url := str(options.get("base_url") or "")) and not is_own(preset, url):
        # What only OpenAI's own server is sure to know is not asked of another; its key stays with it, too.
        kept: dict[str, Any] = {
            "hosts": preset.hosts,
            "variable": preset.variable,
            "embedding_model": preset.embedding_model,
        }
        preset = replace(PRESETS[COMPATIBLE], **kept)
    changes: dict[str, Any] = {
        quirk: _checked(services.name, quirk, options[quirk], preset) for quirk in QUIRKS if quirk in options
    }
    return replace(preset, **changes) if changes else preset


def is_own(preset: Preset, url: str) -> bool:
    """True when the address is one of the vendor's."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    return any(host == own or (own.startswith(".") and host.endswith(own)) for own in preset.hosts)


def _checked(name: str, quirk: str, value: object, preset: Preset) -> object:
    before: object = getattr(preset, quirk)
    if quirk == "json_schema":
        valid = value in get_args(SchemaWay)
    elif isinstance(before, bool):
        valid = isinstance(value, bool)
    elif isinstance(before, float):
        valid = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    else:
        valid = isinstance(value, str)
    if not valid:
        wanted = " or ".join(get_args(SchemaWay)) if quirk == "json_schema" else type(before).__name__
        raise UsageError(f"providers.{name}.{quirk}: {value!r} is not {wanted}")
    return value
