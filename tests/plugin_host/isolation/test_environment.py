"""Environments are made as a whole or not at all, hold no opsvi, and are found without starting anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_host.isolation.wheels import write_wheel

from opsvi_cli import __version__
from opsvi_cli.context import AppContext
from opsvi_cli.errors import PluginError, StoreError, UsageError
from opsvi_cli.plugin_host.isolation import environment
from opsvi_cli.plugin_host.isolation.environment import IsolatedPlugin, install, installed, uninstall
from opsvi_cli.sdk import Part

Isolate = Callable[..., IsolatedPlugin]
SOURCE = """
    OPSVI_API = "1.0"
    from opsvi_cli.sdk import hookimpl

    @hookimpl
    def opsvi_register(registry):
        registry.chunker("{name}", "{name}_parts:Chunker", help="x")
"""
PARTS = "class Chunker:\n    fingerprint = 'v{version}'\n    def __init__(self, services): pass\n"


def plain(isolate: Isolate, name: str = "plain", version: str = "1.0", **options: Any) -> IsolatedPlugin:
    files = {f"{name}_parts.py": PARTS.format(version=version)}
    return isolate(name, SOURCE.format(name=name), files=files, version=version, **options)


def folder_of(app: AppContext) -> Path:
    return app.paths.data / "plugins"


def left_in(app: AppContext) -> set[str]:
    """What stands in the folder, but for the lock."""
    return {entry.name for entry in folder_of(app).iterdir()} - {".lock"} if folder_of(app).exists() else set()


def test_what_is_installed_is_known_without_starting_it(isolate: Isolate, app: AppContext) -> None:
    plugin = plain(isolate)
    part = Part("chunker", "plain", "plain_parts:Chunker", "x", "plain")
    assert plugin == IsolatedPlugin(
        "opsvi-plain",
        "1.0",
        folder_of(app) / "opsvi-plain" / "bin" / "python",
        {"plain": "plain_plugin"},
        (part,),
        {"plain": "1.0"},
    )
    assert installed(app.paths) == [plugin]
    assert left_in(app) == {"opsvi-plain"}


def test_the_environment_holds_the_plugin_pluggy_and_no_code_of_opsvi(isolate: Isolate, app: AppContext) -> None:
    python = plain(isolate, requires=["opsvi>=0.1"]).python
    program = "import importlib.metadata as m, importlib.util as u, json; "
    program += "print(json.dumps([sorted(d.name for d in m.distributions()), m.version('opsvi'), "
    program += "u.find_spec('opsvi_cli') is None, u.find_spec('typer') is None]))"
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [["opsvi", "opsvi-plain", "pluggy"], __version__, True, True]


def test_markers_and_extras_of_the_requirements_are_honoured(app: AppContext, wheels: Path) -> None:
    for name in ("wanted", "unwanted", "extra"):
        write_wheel(wheels, f"zz-{name}", files={f"zz_{name}.py": ""})
    wheel = write_wheel(
        wheels,
        "opsvi-marked",
        files={"marked_plugin.py": SOURCE.format(name="marked"), "marked_parts.py": ""},
        requires=[
            "zz-wanted; python_version >= '3.11'",
            "zz-unwanted; python_version < '3.11'",
            "zz-extra; extra == 'more'",
            "opsvi[any]>=0.1",
        ],
        plugins={"marked": "marked_plugin"},
    )
    found = install(
        app, f"opsvi-marked[more] @ {wheel.as_uri()}", "opsvi_marked", pip_options=["--find-links", str(wheels)]
    )
    site = next((found.python.parent.parent / "lib").glob("python*/site-packages"))
    assert {path.name for path in site.glob("zz_*.py")} == {"zz_wanted.py", "zz_extra.py"}


def test_a_newer_version_takes_the_place_of_the_old(isolate: Isolate, app: AppContext) -> None:
    plain(isolate)
    plain(isolate, version="2.0")
    assert [plugin.version for plugin in installed(app.paths)] == ["2.0"]
    assert app.part("chunker", "plain").fingerprint == "v2.0"
    assert left_in(app) == {"opsvi-plain"}


def test_a_failure_leaves_the_old_one_as_it_was(isolate: Isolate, app: AppContext) -> None:
    plain(isolate)
    with pytest.raises(PluginError):
        isolate("plain", "import nothing_like_it", version="2.0")
    assert [plugin.version for plugin in installed(app.paths)] == ["1.0"]
    assert app.part("chunker", "plain").fingerprint == "v1.0"
    assert left_in(app) == {"opsvi-plain"}


HOOK = SOURCE + "\n    @hookimpl\n    def opsvi_hits(query, hits): return None\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothing_like_it", "'odd' .* failed: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("import os; os._exit(4)", "'odd' .* ended unexpectedly: exit code 4"),
        (SOURCE.replace("1.0", "9.0"), r"plugin API 9\.0, this opsvi has .*: upgrade opsvi"),
        (SOURCE.replace("chunker(", "command("), "brings the command .*: a command cannot be isolated"),
        (HOOK, "implements opsvi_hits: an isolated plugin has no hook but opsvi_register"),
        (SOURCE.replace("_parts:Chunker", ""), "not of the form package.module:Name"),
    ],
)
def test_what_cannot_be_isolated_is_refused_and_leaves_nothing(
    isolate: Isolate, app: AppContext, source: str, words: str
) -> None:
    with pytest.raises(PluginError, match=words) as caught:
        isolate("odd", source.format(name="odd"))
    assert "\n" not in caught.value.message
    assert left_in(app) == set()


def test_requirements_that_cannot_be_met_are_one_line(isolate: Isolate, app: AppContext) -> None:
    with pytest.raises(PluginError, match=r"cannot be installed into an environment of its own: .*opsvi") as caught:
        plain(isolate, requires=["opsvi>=999"])
    assert "\n" not in caught.value.message
    assert left_in(app) == set()


def test_a_distribution_without_plugins_or_of_another_name_is_refused(app: AppContext, wheels: Path) -> None:
    wheel = write_wheel(wheels, "zz-library", files={"zz_library.py": ""})
    with pytest.raises(PluginError, match="zz-library is no plugin of opsvi"):
        install(app, str(wheel), "zz-library")
    with pytest.raises(PluginError, match="what was installed is not called other"):
        install(app, str(wheel), "other")
    assert left_in(app) == set()


@pytest.mark.parametrize("name", ["../up", "", "a/b", "-x", ".new", "a b"])
def test_names_that_are_none_are_refused(app: AppContext, name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a distribution"):
        install(app, "x", name)
    with pytest.raises(UsageError, match="is no name of a distribution"):
        uninstall(app, name)


def test_a_requirement_is_no_option(app: AppContext) -> None:
    with pytest.raises(UsageError, match="--index-url"):
        install(app, "--index-url=http://x", "x")


def test_the_plan_is_what_is_run(app: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", lambda _app, command, _requirement: ran.append(command))
    with pytest.raises(PluginError):
        install(app, "zz==1", "zz")
    assert ran == environment.plan(app, "zz==1")
    assert ran[0][1] == "venv"
    assert "zz==1" in ran[1]


def test_uninstalling(isolate: Isolate, app: AppContext) -> None:
    plain(isolate)
    assert uninstall(app, "Opsvi_Plain") is True
    assert uninstall(app, "opsvi-plain") is False
    assert installed(app.paths) == []
    assert left_in(app) == set()


def test_one_installation_at_a_time(app: AppContext) -> None:
    from opsvi_cli.foundation.locks import hold

    folder_of(app).mkdir(parents=True)
    with hold(folder_of(app) / ".lock", "x"), pytest.raises(StoreError, match="in use by another process"):
        install(app, "x", "x")


def test_ctrl_c_leaves_nothing(app: AppContext, wheels: Path, tmp_path: Path) -> None:
    source = f"import time, pathlib\npathlib.Path({str(tmp_path / 'importing')!r}).touch()\ntime.sleep(600)\n"
    wheel = write_wheel(wheels, "opsvi-slow", files={"slow_plugin.py": source}, plugins={"slow": "slow_plugin"})
    program = """
import os, sys
from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.isolation.environment import install
install(AppContext(), sys.argv[1], "opsvi-slow")
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(wheel)], stderr=subprocess.PIPE, cwd=tmp_path)
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "importing").exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert b"KeyboardInterrupt" in said
    assert left_in(app) == set()


def test_what_a_killed_installation_left_is_removed(isolate: Isolate, app: AppContext) -> None:
    (folder_of(app) / ".new" / "env" / "lib").mkdir(parents=True)
    (folder_of(app) / ".old").mkdir()
    assert installed(app.paths) == []
    plain(isolate)
    assert ".new" not in left_in(app)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "opsvi-plugin.json").unlink(), "opsvi-plugin.json of its environment cannot be read"),
        (lambda place: (place / "opsvi-plugin.json").write_text('{"parts": 5}'), "cannot be read: damaged"),
        (lambda place: (place / "bin" / "python").unlink(), "the Python of its environment is gone"),
    ],
)
def test_a_damaged_environment_is_a_broken_plugin_with_the_cure(
    isolate: Isolate, app: AppContext, opsvi: Callable[..., Any], damage: Callable[[Path], None], words: str
) -> None:
    plain(isolate)
    damage(folder_of(app) / "opsvi-plain")
    (row,) = [row for row in opsvi("plugins", "list", "--json").json if row["origin"] == "isolated"]
    assert row["status"] == "broken"
    assert words in row["error"]
    assert row["error"].endswith("opsvi plugins install --isolated opsvi-plain")


def test_a_record_cannot_name_a_template_outside_of_the_environment(isolate: Isolate, app: AppContext) -> None:
    plain(isolate)
    record = folder_of(app) / "opsvi-plain" / "opsvi-plugin.json"
    known = json.loads(record.read_text())
    known["parts"][0].update(kind="template", data={"root": "../../../.."})
    record.write_text(json.dumps(known))
    assert "damaged" in installed(app.paths)[0].error


def test_disabled_and_taken_names(isolate: Isolate, app: AppContext, opsvi: Callable[..., Any]) -> None:
    plain(isolate)
    plain(isolate, "other", requires=[])
    for word in ("plain", "opsvi-plain"):
        done = opsvi("plugins", "list", "--json", env={"OPSVI_PLUGINS__DISABLED": f'["{word}"]'})
        assert [row["status"] for row in done.json if row["name"] == "plain"] == ["disabled"], done.err
    place = folder_of(app) / "opsvi-other" / "opsvi-plugin.json"
    place.write_text(place.read_text().replace('"name": "other"', '"name": "plain"'))
    rows = {row["name"]: row for row in opsvi("plugins", "list", "--json").json}
    assert rows["other"]["status"] == "ok"  # the first to take a name keeps it
    assert rows["plain"]["status"] == "broken"
    assert "already registered by other" in rows["plain"]["error"]


@pytest.mark.slow
def test_without_uv_the_environment_is_made_with_venv_and_pip(
    isolate: Isolate, app: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_find_uv", lambda _app: None)
    assert plain(isolate).python.exists()
    assert app.part("chunker", "plain").fingerprint == "v1.0"
    with pytest.raises(PluginError, match=r"ERROR|No matching distribution|conflict"):
        plain(isolate, version="2.0", requires=["opsvi>=999"])
