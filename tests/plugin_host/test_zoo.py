"""A zoo of broken plugins: none breaks opsvi, each is named, and exit 7 comes only when its part is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsvi_cli.errors import PluginError, UsageError

HEAD = """
from opsvi_cli.sdk import Registry, hookimpl
OPSVI_API = "1.0"
"""
REGISTER = """
@hookimpl
def opsvi_register(registry: Registry) -> None:
    registry.embedder("{name}", "zoo_{name}_part:Embedder", help="An animal")
"""


class Animal(NamedTuple):
    """A broken plugin: its module, and words that its error must have."""

    source: str | None
    words: tuple[str, ...]
    points: str = ""
    raw: bytes = b""


ZOO: dict[str, Animal] = {
    "missing": Animal("import a_module_that_is_nowhere\n" + HEAD, ("ModuleNotFoundError", "a_module_that_is_nowhere")),
    "exits": Animal("import sys\nsys.exit(3)\n", ("sys.exit(3)",)),
    "syntax": Animal("def broken(:\n", ("SyntaxError",)),
    "base": Animal("class Odd(BaseException): pass\nraise Odd('odd')\n", ("Odd: odd",)),
    "signature": Animal(
        HEAD + REGISTER.format(name="signature") + "@hookimpl\ndef opsvi_hits(query, hits, colour): return hits\n",
        ("opsvi_hits", "colour"),
    ),
    "future": Animal('OPSVI_API = "2.0"\n', ("2.0", "1.0", "upgrade opsvi")),
    "ancient": Animal('OPSVI_API = "0.9"\n', ("0.9", "upgrade the plugin")),
    "nonsense": Animal('OPSVI_API = "one"\n', ("'one'",)),
    "thief": Animal(
        HEAD + '@hookimpl\ndef opsvi_register(registry): registry.embedder("hash", "zoo_thief:X", help="Mine")\n',
        ("embedder 'hash'", "registered by opsvi"),
    ),
    "usurper": Animal(
        HEAD + '@hookimpl\ndef opsvi_register(registry): registry.command("search", "zoo_usurper:X", help="Mine")\n',
        ("command 'search'", "registered by opsvi"),
    ),
    "halfway": Animal(
        HEAD + REGISTER.format(name="halfway") + "    raise RuntimeError('second thoughts')\n", ("second thoughts",)
    ),
    "quitter": Animal(HEAD + REGISTER.format(name="quitter") + "    raise SystemExit\n", ("sys.exit(None)",)),
    "wrapper": Animal(
        HEAD + "@hookimpl(wrapper=True)\ndef opsvi_hits(query, hits):\n    return (yield)\n", ("opsvi_hits", "wrapper")
    ),
    "nowhere": Animal(HEAD, ("AttributeError", "no_such_thing"), points="nowhere = zoo_nowhere:no_such_thing"),
    "garbled": Animal(HEAD, ("entry_points.txt",), raw=b"[opsvi]\n\xff\xfe = \xff\n"),
    "torn": Animal(HEAD, ("entry_points.txt",), raw=b"[opsvi]\nwithout an equals sign\n"),
    "opsvi": Animal(HEAD, ("the name 'opsvi' is taken",)),
}
LISTED_AS = {"garbled": "opsvi-garbled", "torn": "opsvi-torn"}


def _install(install: Callable[..., None], name: str) -> Animal:
    animal = ZOO[name]
    install(name, animal.source, points=animal.points, raw=animal.raw)
    return animal


def _broken(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["name"] == name and row["status"] == "broken"]
    return row


@pytest.mark.parametrize("name", ZOO)
def test_a_broken_plugin_is_listed_with_its_error_and_leaves_nothing(
    name: str, install: Callable[..., None], plugins: Callable[..., Any], opsvi: Callable[..., Any]
) -> None:
    animal = _install(install, name)
    rows = opsvi("plugins", "list", "--json").json
    row = _broken(rows, LISTED_AS.get(name, name))
    for word in animal.words:
        assert word in row["error"]
    assert "\n" not in row["error"]
    assert row["parts"] == []
    host = plugins()
    assert {part.plugin for part in host.registry.parts()} == {"opsvi"}
    assert host.load("chunker", "recursive").__module__.startswith("opsvi_cli.builtin")


@pytest.mark.parametrize("name", [name for name in ZOO if name != "opsvi"])
def test_the_culprit_is_named_once_and_its_part_is_a_plugin_error(
    name: str, install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    _install(install, name)
    host = plugins()
    host.hits("q", [])
    host.hits("q", [])
    assert [warning for warning in warnings if LISTED_AS.get(name, name) in warning] == warnings
    assert len(warnings) == 1
    with pytest.raises(PluginError) as caught:
        host.load("embedder", name)
    assert caught.value.exit_code == 7
    assert f"opsvi plugins info {LISTED_AS.get(name, name)}" in caught.value.hint


def test_a_part_that_was_registered_before_its_plugin_broke_is_known_to_be_its(
    install: Callable[..., None], plugins: Callable[..., Any]
) -> None:
    install("animals", HEAD + REGISTER.format(name="zebra") + "    raise RuntimeError('stripes')\n")
    with pytest.raises(PluginError, match="plugin 'animals' is broken: RuntimeError: stripes"):
        plugins().load("embedder", "zebra")


def test_a_part_that_nobody_has_is_a_usage_error_that_mentions_broken_plugins(
    install: Callable[..., None], plugins: Callable[..., Any]
) -> None:
    _install(install, "missing")
    with pytest.raises(UsageError, match="there is no embedder 'unheard'; broken plugins: missing"):
        plugins().load("embedder", "unheard")


def test_built_in_parts_are_found_without_looking_for_plugins(
    install: Callable[..., None], plugins: Callable[..., Any], warnings: list[str]
) -> None:
    install("loud", "raise RuntimeError('imported')\n")
    assert plugins().load("chunker", "recursive")
    assert warnings == []


def test_strict_makes_any_broken_plugin_fatal_everywhere(
    install: Callable[..., None], plugins: Callable[..., Any], opsvi: Callable[..., Any]
) -> None:
    _install(install, "missing")
    host = plugins(OPSVI_STRICT_PLUGINS="1")
    for act in (lambda: host.load("embedder", "hash"), lambda: host.hits("q", []), lambda: host.registry):
        with pytest.raises(PluginError, match="missing: ModuleNotFoundError"):
            act()
    listed = opsvi("plugins", "list", "--json", env={"OPSVI_STRICT_PLUGINS": "1"})
    assert listed.code == 7
    assert _broken(listed.json, "missing")


def test_no_plugins_leaves_the_built_in_ones(install: Callable[..., None], opsvi: Callable[..., Any]) -> None:
    _install(install, "missing")
    rows = opsvi("plugins", "list", "--json", env={"OPSVI_NO_PLUGINS": "1"}).json
    assert [row["name"] for row in rows] == ["opsvi"]


def test_what_a_plugin_prints_at_import_does_not_reach_stdout(
    install: Callable[..., None], opsvi_process: Callable[..., Any]
) -> None:
    install("chatty", HEAD + REGISTER.format(name="chatty") + "    print('hello again')\nprint('hello')\n")
    listed = opsvi_process("plugins", "list", "--json")
    assert [row["name"] for row in json.loads(listed.out)] == ["opsvi", "chatty"]
    assert "hello\n" in listed.err
    assert "hello again\n" in listed.err


def test_a_slow_import_is_reported_and_the_plugin_works(
    install: Callable[..., None], plugins: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("slow", "import time\ntime.sleep(0.3)\n" + HEAD + REGISTER.format(name="slow"))
    monkeypatch.setattr("opsvi_cli.plugin_host.loading.SLOW_SECONDS", 0.29)
    host = plugins()
    (report,) = [report for report in host.reports() if report.name == "slow"]
    assert report.status == "warning"
    assert report.error is not None
    assert "its import took" in report.error
    assert report.seconds >= 0.29
    assert host.registry.find("embedder", "slow")


def test_the_whole_zoo_at_once(install: Callable[..., None], opsvi_process: Callable[..., Any], tmp_path: Path) -> None:
    for name in ZOO:
        _install(install, name)
    assert opsvi_process("--version").code == 0
    assert opsvi_process("--version").err == ""
    assert opsvi_process("--help").err == ""
    listed = opsvi_process("plugins", "list", "--json")
    assert listed.code == 0
    found = {row["name"] for row in json.loads(listed.out) if row["status"] == "broken"}
    assert found == {LISTED_AS.get(name, name) for name in ZOO}
    info = opsvi_process("plugins", "info", "exits")
    assert info.code == 0
    assert "sys.exit(3)" in info.out
    assert opsvi_process("config", "list").code == 0
    (tmp_path / "note.md").write_text("The disk of the night shift is full.\n")
    ingested = opsvi_process("ingest", "note.md", "--embedder", "hash")
    assert ingested.code == 0
    found = opsvi_process("search", "disk", "--json")
    assert found.code == 0
    assert "disk" in found.json[0]["text"]
    for name in ZOO:
        named = [line for line in found.err.splitlines() if f"'{LISTED_AS.get(name, name)}'" in line]
        assert len(named) == 1, (name, found.err)
    asked = opsvi_process("embed", "x", "--embedder", "missing", "--json")
    assert asked.code == 7
    assert asked.out == ""
    assert "a_module_that_is_nowhere" in asked.err
    assert opsvi_process("missing").code == 7


@pytest.mark.parametrize("path", ["module", "file"])
def test_a_broken_plugin_from_the_environment(path: str, site: Path, opsvi_process: Callable[..., Any]) -> None:
    (site / "broken_plugin.py").write_text("raise ImportError('half written')\n")
    value = "broken_plugin" if path == "module" else str(site / "broken_plugin.py")
    env = {"OPSVI_PLUGINS": value}
    assert opsvi_process("--version", env=env).code == 0
    listed = opsvi_process("plugins", "list", "--json", env=env)
    assert "half written" in _broken(json.loads(listed.out), "broken_plugin")["error"]
