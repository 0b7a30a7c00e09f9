"""The child of `opsvi plugins check`: looks at one plugin, or holds one of its parts to its contract.

It reads a request from stdin, limits itself, runs the plugin's code and writes answers to stdout, a JSON object a line:
`{"row": [check, status, detail]}`, `{"part": "KIND:NAME"}` for what was registered, `{"done": true}` at the end.
What the plugin prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.bounded import Limits, apply
from opsvi_cli.global_options import GlobalOptions
from opsvi_cli.plugin_host.discovery import Candidate
from opsvi_cli.plugin_host.host import Plugins
from opsvi_cli.plugin_host.loading import SLOW_SECONDS, check_api, load_all
from opsvi_cli.plugin_host.named import candidates_of
from opsvi_cli.plugin_host.reports import PluginReport
from opsvi_cli.sdk import Hooks

from .watch import watched

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from opsvi_cli.plugin_host.isolation.children import Children

HEAVY = frozenset(
    (
        *("PIL", "aiohttp", "bs4", "chromadb", "faiss", "httpx", "httpx2", "langchain", "lancedb", "llama_index"),
        *("lxml", "matplotlib", "nltk", "numpy", "onnxruntime", "openai", "pandas", "polars", "pyarrow", "pydantic"),
        *("qdrant_client", "requests", "rich", "scipy", "sentence_transformers", "sklearn", "spacy", "sqlalchemy"),
        *("sympy", "tensorflow", "tokenizers", "torch", "transformers"),
    )
)
_FILES = ("read ", "listed ", "wrote ", "removed ", "renamed ", "made a folder", "made a link")
Row = tuple[str, str, str]


class _Channel:
    """Where answers go. A copy of the process that the plugin made says nothing."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self._pid = os.getpid()
        os.dup2(2, 1)

    def send(self, **answer: Any) -> None:
        if os.getpid() == self._pid:
            self._stream.write(json.dumps(answer) + "\n")
            self._stream.flush()


def main() -> None:
    """Answer one request."""
    channel = _Channel()
    request = json.load(sys.stdin)
    sys.dont_write_bytecode = True  # what Python would write of its own accord is nothing that the plugin did
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    options = GlobalOptions(config=request["config"], profile=request["profile"], no_input=True)
    app = AppContext(out=sys.stderr, err=sys.stderr, stdin=None, options=options, cwd=request["cwd"])
    candidate = _candidate(app, request["plugin"], given=bool(request["given"]))
    app.plugins = _only(app, candidate)
    limits = Limits(**request["limits"])
    if request["part"]:
        from .part_contracts import part_rows

        kind, _, name = request["part"].partition(":")
        rows: Iterator[Row] = part_rows(app, kind, name, lambda: plugin_folder(candidate))
    else:
        rows = _plugin_rows(app, candidate, channel)
    apply(limits)
    try:
        for row in rows:
            channel.send(row=row)
    finally:
        app.close()
    channel.send(done=True)


def _candidate(app: AppContext, name: str, *, given: bool) -> Candidate:
    """The plugin of this name; `given`: as a module or path, and not an installed one that is called the same."""
    found = [one for one in candidates_of(app) if one.name == name]
    return next(one for one in found if not given or one.origin == "environment")


def plugin_module(candidate: Candidate) -> Any:
    """The module that was imported for it; None when there is none, or it lives in another environment."""
    module = candidate.target.partition("[")[0].partition(":")[0].strip()
    return sys.modules.get(module) or (sys.modules.get(candidate.name) if os.sep in candidate.target else None)


def plugin_folder(candidate: Candidate) -> Path | None:
    """The folder of its package, where its data lies; None for a lone module, whose folder is everybody's."""
    parts = candidate.target.partition("[")[0].partition(":")[0].strip().split(".")
    for site in _site_packages(candidate):
        if (site / Path(*parts)).is_dir() or len(parts) > 1:
            return site / Path(*parts if (site / Path(*parts)).is_dir() else parts[:-1])
    module = plugin_module(candidate)
    if module is None or not getattr(module, "__file__", None):
        return None
    lone = not hasattr(module, "__path__") and "." not in module.__name__
    return None if lone else Path(module.__file__).resolve().parent


def _site_packages(candidate: Candidate) -> list[Path]:
    """Of its own environment; none for a plugin that lives in this one."""
    if candidate.isolated is None:
        return []
    root = candidate.isolated.python.parent.parent
    return [*root.glob("lib/python*/site-packages"), *root.glob("Lib/site-packages")]


def _only(app: AppContext, candidate: Candidate) -> Plugins:
    """The built-in parts and this plugin, nobody else's; it is loaded although it may be disabled."""

    def children() -> Children:
        from opsvi_cli.plugin_host.isolation.children import Children

        return Children(app)

    return Plugins(
        lambda manager, registry: load_all([candidate], manager, registry, disabled=()),
        warn=lambda _text: None,
        children=children,
    )


def _plugin_rows(app: AppContext, candidate: Candidate, channel: _Channel) -> Iterator[Row]:
    before = set(sys.modules)
    with watched() as touched:
        report = app.plugins.reports()[1]
    new = set(sys.modules) - before
    where = "an environment of its own" if candidate.isolated else candidate.target
    version = f"{candidate.distribution} {candidate.version}".strip()
    if report.status == "broken":
        yield "loads", "failed", report.error or "it is broken"
    else:
        yield "loads", "ok", f"{version}, from {where}"
        yield _api(report)
        yield _hooks(candidate, report)
        yield _imports(candidate, report, new)
    yield _effects(candidate, touched)
    yield _licence(candidate)
    yield _permissions(candidate)
    for part in report.parts:
        channel.send(part=f"{part.kind}:{part.name}")


def _api(report: PluginReport) -> Row:
    _, warning = check_api(report.api or None)
    return ("api", "warning", warning) if warning else ("api", "ok", report.api)


def _hooks(candidate: Candidate, report: PluginReport) -> Row:
    named = ", ".join(report.hooks)
    if not report.hooks:
        return "hooks", "warning", "it implements no hook"
    unknown = [
        name
        for name, value in vars(plugin_module(candidate) or object).items()
        if (marks := getattr(value, "opsvi_impl", None)) and not hasattr(Hooks, name) and not marks["optionalhook"]
    ]
    if unknown:
        return "hooks", "warning", f"opsvi has no hook called {', '.join(sorted(unknown))}; it has {named}"
    return "hooks", "ok", named


def _imports(candidate: Candidate, report: PluginReport, new: set[str]) -> Row:
    if candidate.isolated is not None:
        return "imports", "skipped", "it is imported in its own environment only"
    cost = f"{report.seconds * 1000:.0f} ms, {len(new)} modules"
    if heavy := sorted({name.partition(".")[0] for name in new} & HEAVY):
        return "imports", "warning", f"imports {', '.join(heavy)} at the top: better where they are used ({cost})"
    if report.seconds > SLOW_SECONDS:
        return "imports", "warning", f"its import takes long: {cost}"
    return "imports", "ok", cost


def _effects(candidate: Candidate, touched: Sequence[str]) -> Row:
    """A plugin module is imported at every start: it may not do anything."""
    if candidate.isolated is not None:
        return "effects", "skipped", "it is imported in its own environment only"
    if not touched:
        return "effects", "ok", "importing it opens, starts and connects nothing"
    status = "warning" if all(what.startswith(_FILES) for what in touched) else "failed"
    return "effects", status, f"importing it {'; '.join(touched[:5])}"


def _licence(candidate: Candidate) -> Row:
    if candidate.origin == "environment":
        return "licence", "skipped", "it is not installed"
    found = _distribution(candidate)
    metadata: Any = found.metadata if found else {}
    text = metadata.get("License-Expression") or metadata.get("License") or ""
    if not text.strip() and found:
        classifiers = [line for line in metadata.get_all("Classifier") or () if line.startswith("License :: ")]
        text = ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    lines = text.strip().splitlines()
    return ("licence", "ok", lines[0][:100]) if lines else ("licence", "warning", "its metadata states no licence")


def _distribution(candidate: Candidate) -> Distribution | None:
    from importlib.metadata import distributions

    places = _site_packages(candidate)
    path: dict[str, Any] = {"path": [str(place) for place in places]} if places else {}
    return next(iter(distributions(name=candidate.distribution, **path)), None)


def _permissions(candidate: Candidate) -> Row:
    from opsvi_cli.plugin_host.manifest import FILE_NAME, Manifest, installed_manifest, parse_manifest

    if candidate.isolated is None:
        manifest = installed_manifest(candidate.target)
    else:
        path = (plugin_folder(candidate) or Path(os.devnull)) / FILE_NAME
        manifest = parse_manifest(path.read_bytes()) if path.is_file() else Manifest()
    if manifest.problem:
        return "permissions", "failed", manifest.problem
    if not manifest.there:
        return "permissions", "skipped", f"it has no {FILE_NAME}"
    return "permissions", "ok", ", ".join(manifest.permissions) or "none"
