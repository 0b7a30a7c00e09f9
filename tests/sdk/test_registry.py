"""What a plugin may register, and what it is told when it does it wrong."""

from __future__ import annotations

from typing import Any

import pytest

from opsvi_cli.errors import PluginError
from opsvi_cli.sdk import Registry


@pytest.mark.parametrize("target", [len, "words", "words:", ":count", None])
def test_a_part_is_named_by_an_import_string(target: Any) -> None:
    """Most of all the part itself, which would have to be imported for it."""
    with pytest.raises(PluginError, match=r"module:Name"):
        Registry().tool("count", target, help="Counts")
