"""For the tests of plugins: a runner, fakes, a home of their own, and the contract of every kind of part.

Installed with opsvi as a pytest plugin, so the fixtures are there without an import:

- `opsvi`: runs opsvi in this process, `opsvi("search", "x", "--json").json`;
- `opsvi_home`: an empty home for settings and data, of this test alone;
- `opsvi_services`: the `Services` that a part is built with, `opsvi_services("shout", loud=True)`;
- `fake_provider`, `fake_embedder`, `fake_store`: small parts that keep their contracts and remember
  what they were asked.

`SpecServer` serves a vendor's OpenAPI description as a server that judges every request by it.

A contract suite is a plain function that tries every promise of a kind and raises `ContractError` with all that were
broken, one sentence each; it works with any test runner, and `opsvi plugins check NAME` runs them too:

    from opsvi_cli.testing import check_embedder

    def test_contract(opsvi_services):
        check_embedder(Shout(opsvi_services("shout")))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agents import ScriptedHost, check_agent_adapter
    from .chunkers import check_chunker
    from .contract import ContractError
    from .embedders import check_embedder
    from .fakes import FakeEmbedder, FakeProvider
    from .processors import check_processor
    from .providers import check_provider
    from .rerankers import check_reranker
    from .runner import Result, run_opsvi
    from .secret_stores import check_secret_store
    from .spec_server import SpecAnswer, SpecError, SpecRequest, SpecServer
    from .stores import check_store
    from .templates import check_template
    from .tools import check_tool

# pytest imports this package wherever opsvi is installed: nothing is loaded before it is used.
_HOME = {
    "ContractError": "contract",
    "FakeEmbedder": "fakes",
    "FakeProvider": "fakes",
    "Result": "runner",
    "ScriptedHost": "agents",
    "SpecAnswer": "spec_server",
    "SpecError": "spec_server",
    "SpecRequest": "spec_server",
    "SpecServer": "spec_server",
    "check_agent_adapter": "agents",
    "check_chunker": "chunkers",
    "check_embedder": "embedders",
    "check_processor": "processors",
    "check_provider": "providers",
    "check_reranker": "rerankers",
    "check_secret_store": "secret_stores",
    "check_store": "stores",
    "check_template": "templates",
    "check_tool": "tools",
    "run_opsvi": "runner",
}

__all__ = [
    "ContractError",
    "FakeEmbedder",
    "FakeProvider",
    "Result",
    "ScriptedHost",
    "SpecAnswer",
    "SpecError",
    "SpecRequest",
    "SpecServer",
    "check_agent_adapter",
    "check_chunker",
    "check_embedder",
    "check_processor",
    "check_provider",
    "check_reranker",
    "check_secret_store",
    "check_store",
    "check_template",
    "check_tool",
    "run_opsvi",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
