"""What parts are handed, and where opsvi's directories are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import opsvi_cli
from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.environment import OTHER_VARIABLES, PROCESS_VARIABLES, variables
from opsvi_cli.foundation.paths import find_paths
from opsvi_cli.foundation.setting_types import known_settings

Run = Callable[..., AppContext]


def test_options_of_a_part_are_its_settings_and_the_run_over_them(make_app: Run) -> None:
    env = {
        "OPSVI_PROVIDERS__OPENAI__BASE_URL": "http://settings/v1",
        "OPSVI_PROVIDERS__OPENAI__TIMEOUT": "7",
        "OPSVI_PARTS__MY_CHUNKER__SIZE": "3",
    }
    foundation = make_app(env).foundation
    options = foundation.for_part("provider", "openai", {"base_url": "http://flag/v1"}).options
    assert options == {"base_url": "http://flag/v1", "timeout": 7}
    assert foundation.for_part("chunker", "my-chunker", {}).options == {"size": 3}
    assert foundation.for_part("embedder", "openai", {}).options == {}


def test_a_part_gets_the_key_stored_under_its_name(make_app: Run) -> None:
    foundation = make_app().foundation
    foundation.secrets.store("openai", "stored-value", "now")
    assert foundation.for_part("provider", "openai", {}).secret("env:OPENAI_API_KEY") == "stored-value"


def test_the_client_refuses_private_addresses(make_app: Run) -> None:
    from opsvi_cli.errors import NetworkError

    services = make_app().foundation.for_part("processor", "x", {})
    with services.http() as client, pytest.raises(NetworkError):
        client.get("http://127.0.0.1:9/")


def test_a_key_in_the_settings_is_learnt(make_app: Run) -> None:
    app = make_app({"OPSVI_PROVIDERS__OPENAI__API_KEY": "Zq81xWv02pLm!"})
    assert app.foundation.redactor.redact("key Zq81xWv02pLm!") == "key [redacted]"


def test_the_cache_follows_its_switch(make_app: Run) -> None:
    on, off = make_app().foundation, make_app({"OPSVI_CACHE__ENABLED": "false"}).foundation
    on.cache("x").put("k", b"v")
    assert make_app().foundation.cache("x").get("k") == b"v"
    assert off.cache("x").get("k") is None


def test_events_and_usage_share_the_state(make_app: Run) -> None:
    app = make_app()
    app.foundation.events.emit("x.y", {"n": 1})
    assert make_app().foundation.events.recent()[0].data == {"n": 1}
    assert app.foundation.usage.rows() == []
    assert app.paths.state_db.stat().st_mode & 0o777 == 0o600


def test_building_the_services_builds_nothing(make_app: Run, home: Path) -> None:
    make_app().foundation.for_part("provider", "x", {})
    assert not home.exists()


def test_home_wins_over_xdg(tmp_path: Path) -> None:
    paths = find_paths({"OPSVI_HOME": str(tmp_path), "XDG_DATA_HOME": "/elsewhere"})
    assert paths.data == tmp_path / "data"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="directories of Linux")
def test_xdg_directories() -> None:
    paths = find_paths({"HOME": "/u", "XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "relative"})
    assert (paths.config, paths.data) == (Path("/u/.config/opsvi"), Path("/d/opsvi"))
    assert (paths.state, paths.cache) == (Path("/u/.local/state/opsvi"), Path("/u/.cache/opsvi"))
    assert paths.system == (Path("/etc/xdg/opsvi/config.toml"),)


def _names_read(tree: ast.AST) -> set[str]:
    """Constant names in `env.get("X")`, `os.environ["X"]`, `os.getenv("X")` and `truthy(env, "X")`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            found |= _constants([node.slice])
        elif isinstance(node, ast.Compare) and any(_is_environment(other) for other in node.comparators):
            found |= _constants([node.left])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "getenv" or (node.func.attr in ("get", "pop") and _is_environment(node.func.value)):
                found |= _constants(node.args[:1])
        elif isinstance(node, ast.Call) and any(_is_environment(argument) for argument in node.args):
            found |= {name for name in _constants(node.args) if name.isupper()}
    return found


def _is_environment(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ("env", "environ")


def _constants(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_variable_that_is_read_is_in_the_table() -> None:
    listed = {variable.name for variable in variables()}
    root = Path(opsvi_cli.__file__).parent
    read: dict[str, str] = {}
    for path in root.rglob("*.py"):
        for name in _names_read(ast.parse(path.read_text("utf-8"))):
            read[name] = str(path.relative_to(root))
    assert "OPSVI_HOME" in read, "the search itself must work"
    assert {name: where for name, where in read.items() if name not in listed} == {}


def test_the_table_has_every_setting_and_no_name_twice() -> None:
    names = [variable.name for variable in variables()]
    assert len(names) == len(set(names))
    assert len(names) == len(known_settings()) + len(PROCESS_VARIABLES) + len(OTHER_VARIABLES)
    assert "OPSVI_RETRIEVAL__K" in names
    assert all(variable.meaning for variable in variables())


def test_a_part_builds_on_another(make_app: Run) -> None:
    """Under its own name, with the options it gives and none of the user's, and within its own deadline."""
    services = make_app().foundation.for_part("provider", "mine", {})
    services.limit = lambda: 7.0
    echo = services.part("provider", "echo", {"delay": 0.5})
    inner = echo._services
    assert (inner.name, inner.options, inner.remaining()) == ("mine", {"delay": 0.5}, 7.0)
    with pytest.raises(UsageError):
        services.part("provider", "nobody", {})
