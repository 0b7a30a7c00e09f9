"""Two plugins whose pins cannot live together, used side by side in one run of opsvi."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from plugin_host.isolation.wheels import write_wheel

from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.isolation.environment import install, installed

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
SOURCE = """
    from opsvi_cli.sdk import Document, Finish, ModelInfo, TextDelta, ToolSpec, hookimpl

    OPSVI_API = "1.0"

    @hookimpl
    def opsvi_register(registry):
        registry.processor("{name}", "{name}_plugin:Processor", help="x", media_types=["text/plain"],
                           suffixes=[".{name}"])
        registry.embedder("{name}", "{name}_plugin:Embedder", help="x")
        registry.provider("{name}", "{name}_plugin:Provider", help="x")

    def version():
        import {library}
        return f"{{{library}.__version__}}"

    class Part:
        def __init__(self, services):
            self.services = services

    class Processor(Part):
        def read(self, source):
            yield Document(f"{name} read it with {library} " + version(), media_type="text/plain")

    class Embedder(Part):
        dimension, fusion_weight = 2, 0.5
        @property
        def fingerprint(self):
            return "{name}:" + version()
        def embed(self, texts, kind="document"):
            return [[1.0, 0.0] for _ in texts]

    class Provider(Part):
        def capabilities(self, model):
            return frozenset({{"stream"}})
        def models(self):
            return [ModelInfo("m", "{name}")]
        def stream(self, request):
            yield TextDelta("{name} with {library} " + version())
            yield Finish("stop")
"""


def _isolate(app: AppContext, wheels: Path, name: str, library: str, pin: str) -> None:
    wheel = write_wheel(
        wheels,
        f"opsvi-{name}",
        files={f"{name}_plugin.py": SOURCE.format(name=name, library=library)},
        requires=[f"{library}=={pin}", "opsvi>=0.1"],
        plugins={name: f"{name}_plugin"},
    )
    install(app, str(wheel), f"opsvi-{name}", pip_options=["--find-links", str(wheels)])


@pytest.fixture
def red_and_blue(app: AppContext, wheels: Path) -> None:
    """opsvi-red needs zz-clash 1, opsvi-blue needs zz-clash 2."""
    for version in ("1", "2"):
        write_wheel(wheels, "zzclash", version, {"zzclash.py": f"__version__ = '{version}'\n"})
    _isolate(app, wheels, "red", "zzclash", "1")
    _isolate(app, wheels, "blue", "zzclash", "2")


@pytest.mark.usefixtures("red_and_blue")
def test_two_plugins_with_clashing_pins_work_in_one_run(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "one.red").write_text("x")
    (tmp_path / "two.blue").write_text("x")
    done = opsvi("extract", tmp_path / "one.red", tmp_path / "two.blue")
    assert done.code == 0, done.err
    assert "red read it with zzclash 1" in done.out
    assert "blue read it with zzclash 2" in done.out
    embedded = opsvi("embed", "--embedder", "blue", "a")
    assert embedded.jsonl[0]["embedding"] == [1.0, 0.0]
    for name, version in (("red", 1), ("blue", 2)):
        answer = opsvi("prompt", "-m", f"{name}/m", "hello")
        assert (answer.code, answer.out.strip()) == (0, f"{name} with zzclash {version}")
    assert "m" in opsvi("models", "--json").out


@pytest.mark.usefixtures("red_and_blue")
def test_both_in_one_process_each_in_its_own(app: AppContext) -> None:
    red, blue = app.part("embedder", "red"), app.part("embedder", "blue")
    assert (red.fingerprint, blue.fingerprint) == ("red:1", "blue:2")


@pytest.mark.usefixtures("red_and_blue")
def test_a_collection_is_filled_and_searched_by_isolated_parts(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "one.red").write_text("x")
    done = opsvi("ingest", tmp_path / "one.red", "--embedder", "red")
    assert done.code == 0, done.err
    assert "zzclash 1" in opsvi("search", "anything", "--json").out


@pytest.mark.usefixtures("zoo")
def test_listing_starts_no_child_and_imports_nothing_of_a_plugin(
    opsvi_process: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, subprocess, sys\n"
        "real = subprocess.Popen.__init__\n"
        "def start(self, *args, **kwargs):\n"
        "    sys.stderr.write(f'STARTED {args}\\n')\n"
        "    real(self, *args, **kwargs)\n"
        "subprocess.Popen.__init__ = start\n"
        "atexit.register(lambda: sys.stderr.write('IMPORTED ' + ' '.join(\n"
        "    name for name in sys.modules if 'zoo' in name or name.endswith('isolation.children')) + '\\n'))\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    for command in (["list", "--json"], ["info", "zoo", "--json"]):
        done = opsvi_process("plugins", *command, env=env)
        assert (done.code, done.err) == (0, "IMPORTED \n")
        schema = json.loads((GOLDEN / f"plugins-{command[0]}.schema.json").read_text())
        jsonschema.validate(done.json, schema)
    used = opsvi_process("prompt", "-m", "zoo/words", "hi", env=env)
    assert used.out == "hi \n"
    assert "STARTED" in used.err


@pytest.mark.usefixtures("zoo")
def test_listing_tells_parts_and_origin(opsvi: Callable[..., Any]) -> None:
    (row,) = [row for row in opsvi("plugins", "list", "--json").json if row["name"] == "zoo"]
    assert (row["version"], row["origin"], row["status"]) == ("1.0", "isolated", "ok")
    assert "store:zoo" in row["parts"]
    record = opsvi("plugins", "info", "zoo", "--json").json
    assert (record["distribution"], record["api"], record["hooks"]) == ("opsvi-zoo", "1.0", ["opsvi_register"])
    assert record["import_seconds"] is None
    assert "isolated" in opsvi("plugins", "info", "zoo").out


def test_a_broken_isolated_plugin_does_not_hide_the_others(
    opsvi: Callable[..., Any], home: Path, zoo: Path, tmp_path: Path
) -> None:
    (home / "data" / "plugins" / "opsvi-lost").mkdir()
    done = opsvi("prompt", "-m", "zoo/words", "hi")
    assert (done.code, done.out.strip()) == (0, "hi")
    strict = opsvi("prompt", "-m", "zoo/words", "hi", env={"OPSVI_STRICT_PLUGINS": "1"})
    assert strict.code == 7


@pytest.mark.slow
def test_real_packages_that_contradict_each_other_and_opsvi(
    app: AppContext, wheels: Path, opsvi: Callable[..., Any]
) -> None:
    """pydantic 1 and 2 cannot be in one environment, and opsvi itself needs 2."""
    _isolate(app, wheels, "old", "pydantic", "1.10.24")
    _isolate(app, wheels, "new", "pydantic", "2.11.7")
    assert importlib.metadata.version("pydantic") not in ("1.10.24", "2.11.7")
    assert [plugin.distribution for plugin in installed(app.paths)] == ["opsvi-new", "opsvi-old"]
    assert opsvi("prompt", "-m", "old/m", "hi").out.strip() == "old with pydantic 1.10.24"
    assert opsvi("prompt", "-m", "new/m", "hi").out.strip() == "new with pydantic 2.11.7"
