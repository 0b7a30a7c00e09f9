"""What the rooms above and the parts are handed: secrets, HTTP, cache, events, resilience. All built on first use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import PluginError

from .paths import Paths
from .redact import Redactor, is_literal_key, is_secret_name
from .schema import Root

if TYPE_CHECKING:
    import httpx2

    from opsvi_cli.sdk import Event, Kind

    from .cache import Cache, CacheSpace
    from .events import Events
    from .resilience import Resilience
    from .secrets import Secrets, SecretStoreFinder
    from .state import State
    from .usage import UsageLog


PartBuilder = Callable[["Kind", str, "PartServices"], Any]


def _no_parts(kind: Kind, name: str, _services: PartServices) -> Any:
    raise PluginError(f"there is no {kind} {name!r} to build on")


@dataclass
class PartServices:
    """The `sdk.Services` of one part. `limit` is the deadline of one call, within that of the run."""

    name: str
    options: Mapping[str, Any]
    log: logging.Logger
    data_dir: Path
    cache_dir: Path
    foundation: Foundation
    limit: Callable[[], float | None] | None = None
    asked: str = ""
    """The URL of the last request, without credentials and query."""

    def secret(self, reference: str) -> str:
        """Resolve a reference; a key stored under the part's own name stands in for a variable that is not set."""
        return self.foundation.secrets.resolve(reference, stored_as=self.name)

    def http(self, *, allow_private: bool = False, timeout: float | None = None) -> httpx2.Client:
        """The one HTTP client: guarded, capped, and never longer than the deadline. `timeout` is in seconds."""
        from .http import make_client

        return make_client(
            self.foundation.settings,
            allow_private=allow_private,
            timeout=timeout,
            remaining=self.remaining,
            asked=self._note,
        )

    def _note(self, url: str) -> None:
        self.asked = url

    def remaining(self) -> float | None:
        return (self.limit or self.foundation.remaining)()

    def part(self, kind: Kind, name: str, options: Mapping[str, Any]) -> Any:
        """Another part, under this one's name and deadline, with `options` alone."""
        return self.foundation.build(kind, name, replace(self, options=options, limit=self.remaining))


@dataclass
class Foundation:
    """The services of one run. `find_secret_store` gives the part that resolves `SCHEME:...`, or None."""

    settings: Root
    paths: Paths
    env: Mapping[str, str]
    redactor: Redactor
    log: logging.Logger
    remaining: Callable[[], float | None]
    find_secret_store: SecretStoreFinder = lambda _scheme: None
    on_event: Callable[[Event], None] | None = None
    build: PartBuilder = _no_parts
    calls_unkept: bool = False
    """The log of calls cannot be written; it was said, and is not tried again in this run."""

    def __post_init__(self) -> None:
        self.redactor.learn_environment(self.env)
        for options in (*self.settings.providers.values(), *self.settings.parts.values()):
            for name, value in options.items():
                if isinstance(value, str) and is_secret_name(name) and is_literal_key(value):
                    self.redactor.learn(value)

    def for_part(self, kind: str, name: str, options: Mapping[str, Any]) -> PartServices:
        """Services for the part `name`: its section of the settings, and `options` of this run over it."""
        own = self.settings.providers if kind == "provider" else self.settings.parts
        # A variable cannot hold the hyphen of a name: OPSVI_PARTS__MY_PART__X is for the part my-part as well.
        merged = {**own.get(name.replace("-", "_"), {}), **own.get(name, {}), **options}
        return PartServices(name, merged, self.log.getChild(name), self.paths.data, self.paths.cache, self)

    @cached_property
    def secrets(self) -> Secrets:
        from .secrets import Secrets

        return Secrets(self.paths, self.env, self.redactor, self.log, self.find_secret_store, self.remaining)

    @cached_property
    def cache_file(self) -> Cache:
        """All namespaces, for those who look after them."""
        from .cache import Cache

        return Cache(self.paths.cache / "cache.db", self.settings.cache.max_bytes, self.log)

    def cache(self, namespace: str) -> CacheSpace:
        """Values of one kind, by key; holds nothing when the cache is switched off."""
        from .cache import CacheSpace

        return CacheSpace(self.cache_file if self.settings.cache.enabled else None, namespace)

    @cached_property
    def _state(self) -> State:
        from .state import State

        return State(self.paths.state_db, self.log)

    @cached_property
    def events(self) -> Events:
        """What happened; tells listeners."""
        from .events import Events

        return Events(self._state, self.redactor, [self.on_event] if self.on_event else [])

    @cached_property
    def usage(self) -> UsageLog:
        """What model calls used."""
        from .usage import UsageLog

        return UsageLog(self._state)

    @cached_property
    def resilience(self) -> Resilience:
        """Retries, breaker, rate limit and bulkhead, with state that processes share."""
        from .resilience import Resilience

        return Resilience(self.settings.resilience, self.paths.state, self.remaining, self.log.getChild("resilience"))
