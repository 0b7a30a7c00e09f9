"""`plugins check`: plugins that misbehave when imported, parts that break their contracts or cannot be tried."""

from __future__ import annotations

import json
import os
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DeadlineError, NotFoundError, UsageError
from opsvi_cli.foundation.bounded import Limits
from opsvi_cli.global_options import GlobalOptions
from opsvi_cli.plugin_host.check import check_plugin, failure

HEAD = 'from opsvi_cli.sdk import Registry, hookimpl\nOPSVI_API = "1.0"\n'
TIGHT = Limits(seconds=60, cpu_seconds=20, memory_bytes=400_000_000, output_bytes=100_000)
Check = Callable[..., dict[str, list[tuple[str, str]]]]


@pytest.fixture
def check(tmp_path: Path, home: Path) -> Check:
    """`check(source, loading=Limits(...))`: the report on a plugin file, as {check: [(status, detail), ...]}."""

    def call(source: str, *, env: Any = None, **limits: Limits) -> dict[str, list[tuple[str, str]]]:
        path = tmp_path / "check_me.py"
        path.write_text(HEAD + textwrap.dedent(source))
        app = AppContext(env={**os.environ, **(env or {})}, cwd=str(tmp_path), stdin=None)
        found: dict[str, list[tuple[str, str]]] = {}
        for row in check_plugin(app, "./check_me.py", **{"loading": TIGHT, "contract": TIGHT, **limits}):
            assert "\n" not in row.detail
            found.setdefault(row.check, []).append((row.status, row.detail))
        return found

    return call


def registering(*lines: str) -> str:
    return "@hookimpl\ndef opsvi_register(registry):\n" + "".join(f"    {line}\n" for line in lines or ("pass",))


IMPORTS: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    # what it does, its limits, the check, its status, words of its detail
    "hangs": ("import time; time.sleep(600)", {"seconds": 4}, "loads", "failed", "it did not come to an end in 4 s"),
    "spins": ("while True: pass", {"cpu_seconds": 1}, "loads", "failed", "it took more than 1 s of processor time"),
    "exits": ("import sys; sys.exit(3)", {}, "loads", "failed", "it called sys.exit(3)"),
    "leaves": ("import os; os._exit(0)", {}, "loads", "failed", "it ended the process with exit code 0"),
    "crashes": ("import os; os.kill(os.getpid(), 11)", {}, "loads", "failed", "it ended the process with SIGSEGV"),
    "eats memory": ("x = bytearray(10**9)", {"memory_bytes": 300_000_000}, "loads", "failed", "MemoryError"),
    "prints much": ("print('x' * 10_000_000)", {}, "loads", "failed", "it printed more than 100 kB"),
    "prints a little": ("print('hello')", {}, "prints", "warning", "importing it prints 6 characters: hello"),
    "forks": (
        "import os, time\nif os.fork() == 0: time.sleep(600)",
        {},
        "effects",
        "failed",
        "importing it made a copy of the process (os.fork)",
    ),
    "starts a program": (
        "import subprocess; subprocess.Popen(['sleep', '600'])",
        {},
        "effects",
        "failed",
        "importing it started a program (subprocess.Popen)",
    ),
    "connects": (
        "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
        {},
        "effects",
        "failed",
        "importing it connected to a host (socket.connect)",
    ),
    "writes": ("open(__file__ + '.log', 'a').close()", {}, "effects", "warning", "importing it wrote /"),
    "is heavy": ("import numpy", {"memory_bytes": 4_000_000_000}, "imports", "warning", "imports numpy at the top"),
    "another API": ("OPSVI_API = '2.0'", {}, "loads", "failed", "it was written for plugin API 2.0"),
    "a newer API": ("OPSVI_API = '1.9'", {}, "api", "warning", "it was written for plugin API 1.9"),
    "no API": ("del OPSVI_API", {}, "api", "warning", "it states no OPSVI_API"),
    "an unknown hook": (
        "@hookimpl\ndef opsvi_tomorrow(): pass",
        {},
        "hooks",
        "warning",
        "no hook called opsvi_tomorro",
    ),
    "a wrong hook": ("@hookimpl\ndef opsvi_hits(query, colour): pass", {}, "loads", "failed", "opsvi_hits"),
    "escape codes": ("raise ValueError('\\x1b[31mred')", {}, "loads", "failed", "ValueError: red"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_what_a_plugin_does_when_it_is_imported(name: str, check: Check) -> None:
    source, limits, row, status, words = IMPORTS[name]
    found = check(registering() + source, loading=Limits(**{**_fields(TIGHT), **limits}))
    ((came, detail),) = found[row]
    assert came == status, found
    assert words in detail


def _fields(limits: Limits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in Limits.__slots__}


def test_what_it_started_ends_with_it(check: Check, tmp_path: Path) -> None:
    source = f"""
    import os, subprocess
    child = subprocess.Popen(["sleep", "600"])
    open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
    """
    check(textwrap.dedent(source) + registering())
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_good_plugin(check: Check) -> None:
    found = check(registering())
    assert {name: rows[0][0] for name, rows in found.items()} == {
        "loads": "ok",
        "api": "ok",
        "hooks": "ok",
        "imports": "ok",
        "effects": "ok",
        "licence": "skipped",
        "permissions": "skipped",
    }


PARTS = """
import time
from opsvi_cli.sdk import CredentialsError, NetworkError, ToolSpec, UsageError
class Part:
    def __init__(self, services): pass
class Rude(Part):
    fingerprint, dimension, fusion_weight = "rude", 3, 7
    def embed(self, texts, kind="document"):
        import numpy
        return numpy.zeros((len(texts), 2), numpy.float32)
class Leaves(Part):
    fingerprint = "leaves"
    def spans(self, document):
        import os
        os._exit(5)
class Hangs(Part):
    fingerprint = "hangs"
    def spans(self, document):
        while True: time.sleep(1)
class Locked(Part):
    def models(self): raise CredentialsError("there is no key", hint="get one")
class Offline(Part):
    fingerprint, dimension, fusion_weight, remote = "off", 3, 0.5, True
    def embed(self, texts, kind="document"): raise NetworkError("no route to the server")
class Unset(Part):
    def __init__(self, services): raise UsageError("it needs a model", hint="opsvi config set parts.unset.model X")
class Broken(Part):
    def __init__(self, services): raise KeyError("oh")
class Elsewhere(Part):
    def names(self): return ["precious"]
class Acts(Part):
    side_effects = True
    spec = ToolSpec("acts", "Acts.", {"type": "object"})
    def call(self, arguments): raise SystemExit("it was run")
class Asks(Acts):
    side_effects = False
    spec = ToolSpec("asks", "Asks.", {"type": "object", "required": ["x"]})
"""
EXPECTED = {
    "embedder:rude": ("failed", "`fusion_weight` must be a number from 0 to 1; it is 7"),
    "embedder:nowhere": ("failed", "ModuleNotFoundError: No module named 'check_nowhere'"),
    "embedder:absent": ("failed", "AttributeError"),
    "embedder:offline": ("skipped", "no route to the server"),
    "embedder:unset": ("skipped", "it needs a model (opsvi config set parts.unset.model X)"),
    "embedder:broken": ("failed", "embedder 'broken' cannot be set up: KeyError: 'oh'"),
    "provider:locked": ("skipped", "there is no key (get one)"),
    "chunker:leaves": ("failed", "it ended the process with exit code 5"),
    "chunker:hangs": ("failed", "it did not come to an end in 8 s"),
    "store:elsewhere": ("skipped", "it has 1 collections already, in a place of its own: they are left alone"),
    "tool:acts": ("skipped", "it has side effects"),
    "tool:asks": ("skipped", "no `examples`"),
    "secret_store:vault": ("skipped", "no secret of it is known"),
    "exporter:out": ("skipped", "there is no contract for the kind exporter yet"),
    "command:no-app": ("failed", "is no typer.Typer"),
    "template:empty": ("failed", "there is no package 'check_nowhere'"),
}


@pytest.mark.slow
def test_parts_that_break_their_contracts_or_cannot_be_tried(check: Check) -> None:
    targets = {"nowhere": "check_nowhere:X", "empty": "check_nowhere:folder", "vault": "check_me:Part"}
    targets |= {"out": "check_me:Part", "no-app": "check_me:Part"}
    lines = []
    for part in EXPECTED:
        kind, _, name = part.partition(":")
        lines.append(
            f'registry.add("{kind}", "{name}", "{targets.get(name, f"check_me:{name.capitalize()}")}", help="x")'
        )
    limits = Limits(seconds=8, memory_bytes=4_000_000_000)
    found = check(registering(*lines) + PARTS, contract=limits)
    for part, (status, words) in EXPECTED.items():
        came, detail = found[part][0]
        assert came == status, (part, found[part])
        assert words in detail
    assert len(found["embedder:rude"]) > 1, "each broken promise is a row"


SAMPLED = """
from opsvi_cli.sdk import Document, DocumentError
class Reader:
    def __init__(self, services): pass
    def read(self, source):
        if not source.data.startswith(b"OK "):
            raise DocumentError("not mine", hint="another")
        yield Document(source.data.decode(errors="replace"))
"""


def test_a_processor_is_tried_with_the_samples_of_its_plugin(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "sampled_plugin"
    (folder / "data").mkdir(parents=True)
    line = 'registry.processor("ok", "sampled_plugin.reader:Reader", help="x", media_types=[], suffixes=[".ok"])'
    (folder / "__init__.py").write_text(HEAD + registering(line))
    (folder / "reader.py").write_text(SAMPLED)
    app = AppContext(env=dict(os.environ), cwd=str(tmp_path), stdin=None)

    def row() -> tuple[str, str]:
        (found,) = [row for row in check_plugin(app, "./sampled_plugin") if row.check == "processor:ok"]
        return found.status, found.detail

    assert row()[0] == "warning"
    assert "names no samples" in row()[1]
    (folder / "opsvi-plugin.toml").write_text('[check]\nsamples = ["data/*", "../*.ok"]\n')
    (tmp_path / "outside.ok").write_text("not OK")
    (folder / "data" / "one.ok").write_text("OK one")
    (folder / "data" / "other.txt").write_text("of another part")
    assert row() == ("ok", "keeps the contract of its kind: processor")
    (folder / "data" / "two.ok").write_text("bad")
    assert row() == ("failed", "reading two.ok must work; it raised DocumentError: not mine")


def test_the_settings_of_the_user_are_those_of_the_part(check: Check) -> None:
    source = registering('registry.embedder("set-up", "check_me:SetUp", help="x")') + (
        "from opsvi_cli.testing import FakeEmbedder\n"
        "class SetUp(FakeEmbedder):\n"
        "    def __init__(self, services):\n"
        "        super().__init__()\n"
        "        self.fusion_weight = services.options.get('weight', 'not set')\n"
    )
    (row,) = check(source)["embedder:set-up"]
    assert row == ("failed", "`fusion_weight` must be a number from 0 to 1; it is 'not set'")
    (row,) = check(source, env={"OPSVI_PARTS__SET_UP__WEIGHT": "0.5"})["embedder:set-up"]
    assert row == ("ok", "keeps the contract of its kind: embedder")


def test_an_installed_plugin_is_found_by_its_names(install: Callable[..., None], home: Path, site: Path) -> None:
    install("good", HEAD + registering())
    app = AppContext(env=dict(os.environ), stdin=None)
    for name in ("good", "opsvi-good", "Opsvi_Good", "zoo_good"):
        rows = {row.check: row for row in check_plugin(app, name)}
        assert rows["loads"].status == "ok"
        installed = name != "zoo_good"
        assert rows["licence"].status == ("warning" if installed else "skipped")
    with pytest.raises(NotFoundError, match="no plugin or module 'goood'") as caught:
        list(check_plugin(app, "goood"))
    assert "did you mean 'good'?" in caught.value.hint
    with pytest.raises(NotFoundError, match=r"there is no \./gone\.py"):
        list(check_plugin(app, "./gone.py"))
    with pytest.raises(UsageError, match="built-in"):
        list(check_plugin(app, "opsvi"))


def test_the_deadline_of_the_run_ends_a_check(tmp_path: Path, home: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(600)\n")
    app = AppContext(env=dict(os.environ), cwd=str(tmp_path), stdin=None, options=GlobalOptions(timeout=1.0))
    with pytest.raises(DeadlineError):
        list(check_plugin(app, "./slow.py"))


def test_a_plugin_in_an_environment_that_is_strict_or_without_plugins(check: Check) -> None:
    found = check(registering(), env={"OPSVI_NO_PLUGINS": "1", "OPSVI_STRICT_PLUGINS": "1"})
    assert found["loads"][0][0] == "ok"


def test_the_command(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    import jsonschema

    golden = Path(__file__).resolve().parents[1] / "golden" / "plugins-check.schema.json"
    (tmp_path / "fine.py").write_text(HEAD + registering())
    (tmp_path / "odd.py").write_text(HEAD + "print('hi')\n" + registering())
    (tmp_path / "bad.py").write_text("raise RuntimeError('\\x1b[31mbad\\tthing')\n")
    fine = opsvi("plugins", "check", "./fine.py", "--strict", "--json")
    assert fine.code == 0, fine.err
    jsonschema.validate(fine.json, json.loads(golden.read_text()))
    assert opsvi("plugins", "check", "./odd.py").code == 0
    strict = opsvi("plugins", "check", "./odd.py", "--strict")
    assert strict.code == 7
    assert "did not pass: prints" in strict.err
    bad = opsvi("plugins", "check", "./bad.py")
    assert bad.code == 7
    assert {line.count("\t") for line in bad.out.splitlines()} == {2}
    assert "\x1b" not in bad.out
    assert opsvi("plugins", "check", "no-such-thing").code == 1
    assert opsvi("plugins", "check", "./fine.py", "--json", "nope").code == 2
    assert failure("x", [], strict=True) is None
