"""Plugins that work: their parts, the API version they state, and what is imported when."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.errors import PluginError
from opsvi_cli.plugin_host.discovery import _any_installed

GOOD = """
from opsvi_cli.sdk import Registry, hookimpl
OPSVI_API = "1.0"

@hookimpl
def opsvi_register(registry: Registry) -> None:
    registry.embedder("{name}", "zoo_{name}_part:Part", help="A good one")
    registry.command("{name}-say", "zoo_{name}_part:app", help="Say it")
"""
PART = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)

@app.command("good-say")
def say(ctx: typer.Context, word: str) -> None:
    ctx.obj.out.write(word + chr(10))

class Part:
    def __init__(self, services):
        self.name = services.name
"""


def _status(plugins: Callable[..., Any], name: str, **env: str) -> tuple[str, str | None]:
    (report,) = [report for report in plugins(**env).reports() if report.name == name]
    return report.status, report.error


def test_parts_of_a_plugin_are_imported_when_they_are_used(
    install: Callable[..., None], site: Path, plugins: Callable[..., Any]
) -> None:
    install("good", GOOD.format(name="good"))
    (site / "zoo_good_part.py").write_text(PART)
    host = plugins()
    assert _status(plugins, "good") == ("ok", None)
    assert host.registry.find("embedder", "good").plugin == "good"
    assert "zoo_good_part" not in sys.modules
    assert host.load("embedder", "good").__name__ == "Part"
    assert "zoo_good_part" in sys.modules


def test_a_command_of_a_plugin_runs_and_sees_the_global_options(
    install: Callable[..., None], site: Path, opsvi: Callable[..., Any]
) -> None:
    install("good", GOOD.format(name="good"))
    (site / "zoo_good_part.py").write_text(PART)
    done = opsvi("good-say", "hello", "-q")
    assert (done.code, done.out, done.err) == (0, "hello\n", "")


def test_a_part_whose_import_fails_is_a_plugin_error_that_names_the_plugin(
    install: Callable[..., None], site: Path, plugins: Callable[..., Any]
) -> None:
    install("good", GOOD.format(name="good"))
    (site / "zoo_good_part.py").write_text("import sys\nprint('to stdout')\nsys.exit(9)\n")
    with pytest.raises(PluginError, match=r"'good' of plugin 'good' cannot be loaded: it called sys.exit\(9\)"):
        plugins().load("embedder", "good")


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ('OPSVI_API = "1.0"', "ok", ""),
        ("", "warning", "states no OPSVI_API"),
        ('OPSVI_API = "1.7"', "warning", "some of it may not work"),
    ],
)
def test_the_api_version_a_plugin_states(
    line: str, status: str, words: str, install: Callable[..., None], plugins: Callable[..., Any]
) -> None:
    install("good", GOOD.format(name="good").replace('OPSVI_API = "1.0"', line))
    found, error = _status(plugins, "good")
    assert found == status
    assert words in (error or "")
    assert plugins().registry.find("embedder", "good")


def test_a_lower_minor_version_is_accepted(
    install: Callable[..., None], plugins: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsvi_cli.plugin_host.loading.API", (1, 4))
    install("good", GOOD.format(name="good"))
    assert _status(plugins, "good") == ("ok", None)


def test_an_unknown_hook_is_a_warning_unless_it_is_optional(
    install: Callable[..., None], plugins: Callable[..., Any]
) -> None:
    source = GOOD.format(name="good") + "@hookimpl{}\ndef opsvi_tomorrow(): pass\n"
    install("good", source.format(""))
    install("better", source.format("(optionalhook=True)").replace('"good', '"better'))
    assert _status(plugins, "good") == ("warning", "opsvi has no hook called opsvi_tomorrow")
    assert _status(plugins, "better") == ("ok", None)


def test_a_module_without_hooks_is_a_warning(install: Callable[..., None], plugins: Callable[..., Any]) -> None:
    install("empty", 'OPSVI_API = "1.0"\n')
    assert _status(plugins, "empty") == ("warning", "it implements no hook")


def test_two_entry_points_to_one_module_load_it_once(install: Callable[..., None], plugins: Callable[..., Any]) -> None:
    install("good", GOOD.format(name="good"), points="good = zoo_good\nalso = zoo_good")
    assert _status(plugins, "also") == ("ok", None)
    assert _status(plugins, "good") == ("warning", "the same module as plugin 'also'; loaded once")
    assert plugins().registry.find("embedder", "good").plugin == "also"


def test_two_plugins_of_one_name_and_one_part(install: Callable[..., None], plugins: Callable[..., Any]) -> None:
    install("first", GOOD.format(name="good"), points="twin = zoo_first")
    install("second", GOOD.format(name="other"), points="twin = zoo_second")
    install("zz-last", GOOD.format(name="good"))
    host = plugins()
    errors = {report.distribution: report.error for report in host.reports()}
    assert errors["opsvi-first"] is None
    assert errors["opsvi-second"] == "the name 'twin' is taken by another plugin"
    assert errors["opsvi-zz-last"] == "zz-last: embedder 'good' is already registered by twin"
    assert [part.name for part in host.registry.parts("embedder") if part.plugin != "opsvi"] == ["good"]


def test_damaged_metadata_of_another_distribution_hides_no_plugin(
    install: Callable[..., None], site: Path, plugins: Callable[..., Any]
) -> None:
    install("good", GOOD.format(name="good"))
    other = site / "stranger-1.0.dist-info"
    other.mkdir()
    (other / "entry_points.txt").write_bytes(b"\xff\xfe\xff no text")
    assert [report.name for report in plugins().reports()] == ["opsvi", "good"]
    assert _status(plugins, "good") == ("ok", None)


def test_disabled_plugins_are_listed_and_not_imported(
    install: Callable[..., None], plugins: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsvi_cli.foundation.schema import PluginSettings, Root

    install("good", GOOD.format(name="good"))
    install("better", GOOD.format(name="better"))
    settings = Root(plugins=PluginSettings(disabled=["good", "opsvi-better"]))
    monkeypatch.setattr("opsvi_cli.foundation.settings.load_settings", lambda *_args, **_options: settings)
    host = plugins()
    assert [(report.name, report.status) for report in host.reports()[1:]] == [
        ("better", "disabled"),
        ("good", "disabled"),
    ]
    assert "zoo_good" not in sys.modules


@pytest.mark.parametrize("form", ["good_plugin", "{site}/good_plugin.py", "{site}/good_plugin"])
def test_plugins_from_the_environment(form: str, site: Path, plugins: Callable[..., Any]) -> None:
    value = form.format(site=site)
    if value.endswith("/good_plugin"):
        (site / "good_plugin").mkdir()
        (site / "good_plugin" / "__init__.py").write_text(GOOD.format(name="good"))
    else:
        (site / "good_plugin.py").write_text(GOOD.format(name="good"))
    assert _status(plugins, "good_plugin", OPSVI_PLUGINS=f" {value} ,") == ("ok", None)


def test_a_file_from_the_environment_that_is_not_there_or_hides_a_module(
    tmp_path: Path, plugins: Callable[..., Any]
) -> None:
    (tmp_path / "json.py").write_text("")
    _, missing = _status(plugins, "none", OPSVI_PLUGINS=f"{tmp_path}/none.py")
    assert missing == f"OPSVI_PLUGINS: there is no {tmp_path}/none.py"
    _, hidden = _status(plugins, "json", OPSVI_PLUGINS=f"{tmp_path}/json.py")
    assert hidden is not None
    assert "another module is called 'json'" in hidden


def test_the_quick_look_finds_every_form_of_installation(tmp_path: Path) -> None:
    import zipfile

    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "other-1.dist-info").mkdir()
    (folder / "other-1.dist-info" / "entry_points.txt").write_text("[console_scripts]\na = b:c\n")
    assert not _any_installed([str(folder), str(tmp_path / "missing")])
    (folder / "develop.egg-info").mkdir()
    (folder / "develop.egg-info" / "entry_points.txt").write_text("[opsvi]\na = b\n")
    assert _any_installed([str(folder)])
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x-1.dist-info/entry_points.txt", "[opsvi]\na = b\n")
    assert _any_installed([str(archive)])


def test_without_plugins_nothing_of_the_packaging_library_is_imported(opsvi_process: Callable[..., Any]) -> None:
    code = (
        "import sys, json\n"
        "from opsvi_cli.context import AppContext\n"
        "app = AppContext()\n"
        "app.plugins.hits('q', [])\n"
        "print(json.dumps(sorted(m for m in sys.modules)))\n"
    )
    import subprocess

    env_free = [place for place in sys.path if place and not Path(place).is_file()]
    if _any_installed(env_free):
        pytest.skip("a plugin is installed in this environment")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    modules = set(json.loads(done.stdout))
    assert "pluggy" in modules
    assert not {"importlib.metadata", "typer", "pydantic", "numpy", "httpx2", "openai"} & modules


def test_a_file_inside_a_package_is_imported_as_part_of_it(
    tmp_path: Path, plugins: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`OPSVI_PLUGINS=src/zoo_inside/plugin.py`: its import strings name the package."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "src" / "zoo_inside"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "plugin.py").write_text(GOOD.format(name="inside").replace("zoo_inside_part", "zoo_inside.part"))
    (folder / "part.py").write_text(PART)
    host = plugins(OPSVI_PLUGINS=str(folder / "plugin.py"))
    assert host.load("embedder", "inside").__module__ == "zoo_inside.part"
