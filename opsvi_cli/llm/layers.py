"""The layers around a provider: each sees one call on its way in, and the events of its answer on their way out.

A layer is a function of the call and of what lies below it. It may refuse (raise before calling `below`), change the
request, answer by itself, or watch the events. All of them are generators: closing one closes those below.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

from opsvi_cli.sdk import ModelRequest, Provider, Server, StreamEvent

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .models import ModelChoice


@dataclass
class Progress:
    """How far an answer has come: after the first piece it is neither retried nor asked of another model."""

    started: bool = False
    said: bool = False
    """A word of the answer itself was given on, not only of the model's reasoning."""


@dataclass(frozen=True)
class Call:
    """One request to one model. `key` names the host, for limits and breakers; `replace(call, request=...)` changes it.

    `remaining` gives the seconds that are left for the answer, `asked` the URL of the last request, for messages.
    `notes` holds what layers tell each other of the call: `outcome` is the kind of error that the guard found.
    """

    app: AppContext
    choice: ModelChoice
    provider: Provider
    request: ModelRequest
    key: str
    remaining: Callable[[], float | None] = lambda: None
    asked: Callable[[], str] = lambda: ""
    progress: Progress = field(default_factory=Progress)
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        """Who is asked, for messages; the URL is empty while no request was made and no setting names it."""
        return Server(self.choice.provider, self.choice.model, self.choice.url(self.app) or _origin(self.asked()))


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


Events: TypeAlias = Generator[StreamEvent, None, None]
Below: TypeAlias = Callable[[Call], Events]
Layer: TypeAlias = Callable[[Call, Below], Events]


def through(layers: Sequence[Layer], innermost: Below) -> Below:
    """One function out of many: the first layer is the outermost."""

    def around(below: Below, layer: Layer) -> Below:
        return lambda call: layer(call, below)

    return reduce(around, reversed(layers), innermost)
