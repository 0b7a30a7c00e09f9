"""A part of a plugin and the contract of its kind, as `opsvi plugins check` runs it: with the user's own settings.

A part that cannot be tried (a key, a server or a model is missing) is skipped with the reason; it is never taken for
good.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from opsvi_cli.errors import (
    BudgetError,
    CredentialsError,
    DeadlineError,
    NetworkError,
    NotFoundError,
    PluginError,
    ProviderError,
    StoreError,
    UsageError,
)
from opsvi_cli.sdk import Kind, Message, ModelRequest, Part, Source

from .contract import ContractError, describe

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

Row: TypeAlias = tuple[str, str, str]
Folder: TypeAlias = Callable[[], Path | None]
"""Gives the folder of the plugin's package; None when it has none of its own."""
NOT_HERE = (BudgetError, CredentialsError, DeadlineError, NetworkError, NotFoundError, ProviderError, UsageError)
"""Errors that say that something is missing outside of the part."""


class Skipped(Exception):
    """The part cannot be tried here; the text says why."""


def part_rows(app: AppContext, kind: str, name: str, folder: Folder) -> Iterator[Row]:
    """One row, or one for each broken promise. `folder` is where samples may be."""
    check = f"{kind}:{name}"
    part = app.plugins.registry.find(cast(Kind, kind), name)
    if part is None:
        yield check, "failed", "it was registered once, and not again"
        return
    try:
        remark = _CONTRACTS.get(kind, _without)(app, part, folder)
    except Skipped as reason:
        yield check, "skipped", str(reason)
    except ContractError as error:
        for sentence in error.broken:
            yield check, "failed", sentence
    except PluginError as error:
        yield check, "failed", error.message
    except Exception as error:  # noqa: BLE001  # of the part, outside of its contract
        yield check, "failed", describe(error)
    else:
        yield check, "warning" if remark else "ok", remark or f"keeps the contract of its kind: {kind}"


def _build(app: AppContext, part: Part) -> Any:
    try:
        return app.part(part.kind, part.name)
    except NOT_HERE as error:
        raise _missing(error) from error


def _probe(act: Callable[[], object]) -> None:
    """Skip the part when it cannot reach what it needs. What else may be wrong is for the contract to say."""
    try:
        act()
    except NOT_HERE as error:
        raise _missing(error) from error
    except Exception:  # noqa: BLE001
        return


def _missing(error: Any) -> Skipped:
    return Skipped(f"{error.message} ({error.hint})" if error.hint else error.message)


def _provider(app: AppContext, part: Part, _folder: Folder) -> str:
    from .providers import check_provider

    provider = _build(app, part)
    settings = app.settings
    model = settings.providers.get(part.name, {}).get("model", "")
    if not model and settings.model.startswith(f"{part.name}/"):
        model = settings.model.partition("/")[2]
    if not model:
        _probe(provider.models)
        listed = provider.models()
        if not listed:
            raise Skipped(f"no model is named: opsvi config set providers.{part.name}.model MODEL")
        model = listed[0].id
    hello = ModelRequest(str(model), [Message("user", "Say hello.")])
    _probe(lambda: next(iter(provider.stream(hello)), None))
    check_provider(provider, model=str(model))
    return ""


def _embedder(app: AppContext, part: Part, _folder: Folder) -> str:
    from .embedders import check_embedder

    embedder = _build(app, part)
    _probe(lambda: embedder.embed(["word"]))
    check_embedder(embedder)
    return ""


def _processor(app: AppContext, part: Part, folder: Folder) -> str:
    from .processors import check_processor

    suffixes: Any = part.data.get("suffixes") or ()
    samples, remark = _samples(folder(), tuple(suffixes))
    check_processor(_build(app, part), samples)
    return remark


def _samples(folder: Path | None, suffixes: tuple[str, ...]) -> tuple[list[Source], str]:
    """The files that `[check] samples` of opsvi-plugin.toml names for these suffixes; and a remark without any."""
    from opsvi_cli.plugin_host.manifest import FILE_NAME

    patterns: Any = []
    root = folder.resolve() if folder else Path(os.devnull)
    if (root / FILE_NAME).is_file():
        table = tomllib.loads((root / FILE_NAME).read_text(encoding="utf-8"))
        patterns = table.get("check", {}).get("samples", [])
    files = {path for pattern in patterns for path in root.glob(pattern) if path.resolve().is_relative_to(root)}
    found = [
        Source(str(path), path.name, path.read_bytes())
        for path in sorted(files)
        if path.is_file() and (not suffixes or path.name.lower().endswith(suffixes))
    ]
    if found:
        return found, ""
    return [], f'only hostile bytes were tried: {FILE_NAME} names no samples for it ([check] samples = ["data/*"])'


def _chunker(app: AppContext, part: Part, _folder: Folder) -> str:
    from .chunkers import check_chunker

    check_chunker(_build(app, part))
    return ""


def _store(app: AppContext, part: Part, _folder: Folder) -> str:
    """In an empty folder. A store that has collections all the same keeps them elsewhere: they are not touched."""
    from .stores import check_store

    target = app.plugins.load("store", part.name)
    services = app.foundation.for_part("store", part.name, {})
    places = itertools.count()
    with tempfile.TemporaryDirectory(prefix="opsvi-check-") as folder:

        def new_backend() -> Any:
            return target(replace(services, data_dir=Path(folder, str(next(places)))))

        try:
            there = list(new_backend().names())
        except (*NOT_HERE, StoreError) as error:
            raise _missing(error) from error
        if there:
            raise Skipped(f"it has {len(there)} collections already, in a place of its own: they are left alone")
        check_store(new_backend)
    return ""


def _reranker(app: AppContext, part: Part, _folder: Folder) -> str:
    from .rerankers import HITS, QUERY, check_reranker

    reranker = _build(app, part)
    _probe(lambda: reranker.rerank(QUERY, list(HITS)))
    check_reranker(reranker)
    return ""


def _tool(app: AppContext, part: Part, _folder: Folder) -> str:
    """With the first of the `examples` of its JSON Schema, or without arguments when none are required."""
    from .tools import check_tool

    tool = _build(app, part)
    parameters: Any = getattr(getattr(tool, "spec", None), "parameters", {})
    if getattr(tool, "side_effects", True):
        raise Skipped("it has side effects: it is run by its own tests only")
    examples = parameters.get("examples", [] if parameters.get("required") else [{}])
    if not examples or not isinstance(examples[0], Mapping):
        raise Skipped("its parameters have no `examples` (JSON Schema) to run it with")
    check_tool(tool, examples[0])
    return ""


def _agent_adapter(app: AppContext, part: Part, _folder: Folder) -> str:
    from .agents import check_agent_adapter

    check_agent_adapter(_build(app, part))
    return ""


def _secret_store(app: AppContext, part: Part, _folder: Folder) -> str:
    _build(app, part)
    raise Skipped("no secret of it is known: it is tried by its own tests only")


def _template(_app: AppContext, part: Part, _folder: Folder) -> str:
    from opsvi_cli.scaffold.templates import plugin_folder

    from .templates import check_template

    check_template(plugin_folder(part))
    return ""


def _command(app: AppContext, part: Part, _folder: Folder) -> str:
    import typer

    target = app.plugins.load("command", part.name)
    if not isinstance(target, typer.Typer):
        raise PluginError(f"{part.target} is no typer.Typer")
    command = typer.main.get_command(target)
    lacking = sorted(name for name, one in _leaves(part.name, command) if not (one.help or "").strip())
    return f"without a help text: {', '.join(lacking)}" if lacking else ""


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield path, command
    for name, one in inner.items():
        yield from _leaves(f"{path} {name}", one)


def _without(app: AppContext, part: Part, _folder: Folder) -> str:
    app.plugins.load(part.kind, part.name)
    raise Skipped(f"it can be imported; there is no contract for the kind {part.kind} yet")


_CONTRACTS: Mapping[str, Callable[[AppContext, Part, Folder], str]] = {
    "provider": _provider,
    "embedder": _embedder,
    "processor": _processor,
    "chunker": _chunker,
    "store": _store,
    "reranker": _reranker,
    "tool": _tool,
    "agent_adapter": _agent_adapter,
    "secret_store": _secret_store,
    "template": _template,
    "command": _command,
}
