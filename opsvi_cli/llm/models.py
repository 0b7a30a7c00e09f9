"""Which model a command means, and what models there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.bundled import BUNDLED
from opsvi_cli.sdk import ModelInfo, Provider

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.foundation.services import PartServices

NO_MODEL_HINT = "opsvi config set model openai/gpt-5-mini, or -m provider/model; `opsvi models` lists them"
_OPENAI = "openai"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model of a provider. `base_url` is empty when the provider's own address is meant.

    `section` of the settings says how it is asked: `parts` for embedding models.
    """

    provider: str
    model: str
    base_url: str = ""
    section: Literal["providers", "parts"] = "providers"

    @property
    def name(self) -> str:
        """`provider/model`, as -m takes it."""
        return f"{self.provider}/{self.model}" if self.model else self.provider

    @property
    def options(self) -> Mapping[str, Any]:
        """What goes over the provider's settings."""
        return {"base_url": self.base_url} if self.base_url else {}

    def settings(self, app: AppContext) -> Mapping[str, Any]:
        """The provider's, or the part's."""
        named: dict[str, dict[str, Any]] = getattr(app.settings, self.section)
        return named.get(self.provider, {})

    def url(self, app: AppContext) -> str:
        """Where it is asked, as far as the settings say; else empty."""
        return self.base_url or str(self.settings(app).get("base_url") or "")


def choose_model(app: AppContext, name: str | None, base_url: str | None = None) -> ModelChoice | None:
    """The model called `name`, else the one of the settings; None when neither says one.

    `base_url` names an OpenAI-compatible server: the whole of `name` is then its model, and without a name the
    server's only model is taken. Raises UsageError for a provider that is not there.
    """
    if base_url:
        return _at_server(app, name, base_url)
    wanted = name or app.settings.model
    if not wanted:
        return None
    return parse_choice(app, wanted)


def require_model(app: AppContext, name: str | None, base_url: str | None = None) -> ModelChoice:
    """The same, for commands that do nothing without a model. Raises UsageError."""
    choice = choose_model(app, name, base_url)
    if choice is None:
        raise UsageError("no model is configured", hint=NO_MODEL_HINT)
    return choice


def parse_choice(app: AppContext, text: str) -> ModelChoice:
    """`provider/model`, or `provider` for its default model."""
    provider, slash, model = text.partition("/")
    if app.plugins.registry.find("provider", provider) is None:
        if not slash and ("provider", text) not in BUNDLED:
            raise UsageError(
                f"there is no provider {text!r}", hint=f"write provider/model, e.g. openai/{text}; {_known(app)}"
            )
        app.plugins.load("provider", provider)  # raises, and knows of broken plugins
    if not model:
        model = str(app.settings.providers.get(provider, {}).get("model") or "")
    return ModelChoice(provider, model)


def _known(app: AppContext) -> str:
    names = ", ".join(part.name for part in app.plugins.registry.parts("provider"))
    return f"providers: {names}"


def _at_server(app: AppContext, name: str | None, base_url: str) -> ModelChoice:
    model = (name or "").removeprefix(f"{_OPENAI}/")
    if name == _OPENAI:
        model = ""
    model = model or str(app.settings.providers.get(_OPENAI, {}).get("model") or "")
    if not model:
        listed = load_provider(app, ModelChoice(_OPENAI, "", base_url)).models()
        if len(listed) != 1:
            some = ", ".join(info.id for info in listed[:5]) or "none"
            raise UsageError(f"which model of {base_url}? It lists {some}", hint="name one with -m")
        model = listed[0].id
    return ModelChoice(_OPENAI, model, base_url)


def load_provider(app: AppContext, choice: ModelChoice, services: PartServices | None = None) -> Provider:
    """The provider of a choice, built with its settings or with `services`. Raises UsageError, PluginError."""
    provider: Provider = app.part("provider", choice.provider, choice.options, services)
    return provider


def host_key(app: AppContext, choice: ModelChoice) -> str:
    """Who is called, for breakers and limits: `openai@api.example.com:443`, or the provider's name."""
    url = choice.url(app)
    if not url:
        return choice.provider
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return choice.provider
    return f"{choice.provider}@{parts.hostname or ''}:{port}"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A row of `opsvi models`. `id` is `provider/model`."""

    id: str
    provider: str
    capabilities: tuple[str, ...]
    context_window: int | None
    default: bool


def list_models(app: AppContext, provider: str | None = None) -> Iterator[ListedModel | OpsviError]:
    """Models of every provider by name; a provider that cannot answer gives its error in their place.

    Only providers that are configured, or need no configuration, are asked: one without a key, or for a server on this
    machine that nobody set up (`local`), is passed over, unless it is asked for by name.
    """
    names = [part.name for part in app.plugins.registry.parts("provider")]
    if provider is not None:
        if provider not in names:
            app.plugins.load("provider", provider)  # raises, and says what to install
        names = [provider]
    default = choose_model(app, None)
    for name in names:
        try:
            part = load_provider(app, ModelChoice(name, ""))
            if provider is None and getattr(part, "local", False) and not _is_used(app, name, default):
                continue
            yield from _listed(part, name, default)
        except OpsviError as error:
            if provider is not None or not _is_unconfigured(app, name, error, default):
                yield error


def _listed(part: Provider, name: str, default: ModelChoice | None) -> Iterator[ListedModel]:
    for info in part.models():
        # A provider whose name alone is a model: `-m echo` is echo/echo.
        chosen = default is not None and (default.provider, default.model or name) == (name, info.id)
        yield ListedModel(f"{name}/{info.id}", name, _capabilities(part, info), info.context_window, chosen)


def _capabilities(part: Provider, info: ModelInfo) -> tuple[str, ...]:
    return tuple(sorted(info.capabilities or part.capabilities(info.id)))


def _is_unconfigured(app: AppContext, name: str, error: OpsviError, default: ModelChoice | None) -> bool:
    """True for a provider that nobody set up: it is not used, and misses its key or its address."""
    missing = error.code == "credentials" and "(401)" not in error.message and "(403)" not in error.message
    return (missing or error.code == "usage") and not _is_used(app, name, default)


def _is_used(app: AppContext, name: str, default: ModelChoice | None) -> bool:
    """It has settings, or is the one of the default model."""
    return bool(app.settings.providers.get(name)) or (default is not None and default.provider == name)
