"""What an embedder or a reranker raises, as one of opsvi's errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from opsvi_cli.errors import OpsviError, PluginError
from opsvi_cli.sdk import Server


@contextlib.contextmanager
def failures_named(name: str, remote: bool, bad: Callable[[str], PluginError]) -> Iterator[None]:
    """opsvi's own errors pass; any other is the server's (ProviderError) when one is asked, else the part's: `bad`."""
    try:
        yield
    except (OpsviError, ImportError, MemoryError):
        raise
    except Exception as error:
        if not remote:
            raise bad(f"failed with {type(error).__name__}: {str(error)[:200]}") from error
        from opsvi_cli.llm.boundary import as_opsvi_error

        raise as_opsvi_error(error, Server(name, "", "")) from error
