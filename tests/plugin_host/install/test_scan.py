"""What a look at sources finds, and that nothing of them runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from wheels_of_plugins import write_wheel

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.install.asked import read_asked
from opsvi_cli.plugin_host.install.inspection import inspect_folder, inspect_wheel
from opsvi_cli.plugin_host.install.scan import parse, registered_parts, scan


class Files:
    """Contents that are a mapping."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes | None:
        return self.files[name].encode() if name in self.files else None


@pytest.mark.parametrize(
    ("source", "finding", "place"),
    [
        ("import socket", "network", "socket (m.py:1)"),
        ("from urllib.request import urlopen", "network", "urllib.request (m.py:1)"),
        ("def f(services):\n    services.http().get('x')", "network", ".http (m.py:2)"),
        ("import subprocess as s", "processes", "subprocess (m.py:1)"),
        ("import os as o\no.system('x')", "processes", "os.system (m.py:2)"),
        ("from os import execv as e\ne('x', [])", "processes", "os.execv (m.py:2)"),
        ("open('x')", "files", "open (m.py:1)"),
        ("import builtins\nbuiltins.open('x')", "files", "open (m.py:2)"),
        ("from pathlib import Path\nPath('x').write_text('')", "files", ".write_text (m.py:2)"),
        ("import os\nos.environ['K']", "secrets", "os.environ (m.py:2)"),
        ("from os import environ\nenviron['K']", "secrets", "os.environ (m.py:2)"),
        ("import ctypes", "native", "ctypes (m.py:1)"),
        ("eval('1')", "dynamic", "eval (m.py:1)"),
        ("import importlib\nimportlib.import_module('x')", "dynamic", "importlib.import_module (m.py:2)"),
    ],
)
def test_findings(source: str, finding: str, place: str) -> None:
    assert place in scan(Files({"m.py": source})).places[finding]


def test_harmless_code_has_none() -> None:
    source = (
        "import re, json, os.path\nfrom .http import thing\n\n\ndef f(x):\n    return re.sub('a', 'b', x).strip()\n"
    )
    assert scan(Files({"m.py": source})).places == {}


def test_files_speak_too_and_bad_sources_are_counted() -> None:
    found = scan(Files({"a/fast.so": "", "x.pth": "import evil", "deep.py": "(" * 100_000, "text.py": "def (:"}))
    assert list(found.ordered()) == ["native", "startup"]
    assert found.unread == 2


def test_names_of_files_cannot_write_to_the_terminal() -> None:
    found = scan(Files({"a\x1b[31m\nb.py": "import socket"}))
    assert found.places["network"] == ["socket (a b.py:1)"]


def test_parts_with_plain_names_are_known() -> None:
    tree = parse(
        b'def opsvi_register(r):\n    r.store("s", "a:B", help="")\n    r.tool(name, "a:B")\n    x.store("no")\n'
    )
    assert tree is not None
    assert registered_parts(tree) == ["store:s"]


def test_a_wheel_is_told_and_not_run(tmp_path: Path) -> None:
    source = (
        "raise SystemExit('ran')\nimport httpx\ndef opsvi_register(registry):\n    registry.tool('t', 'x:Y', help='')\n"
    )
    manifest = {"opsvi_x/opsvi-plugin.toml": 'permissions = ["files"]'}
    wheel = write_wheel(tmp_path, "opsvi-x", "1.2", source, files=manifest, requires=["opsvi>=0.1"])
    facts = inspect_wheel(read_asked(str(wheel), "/"), wheel)
    assert (facts.name, facts.version, facts.author, facts.license) == ("opsvi-x", "1.2", "Ann", "MIT")
    assert facts.parts == ("tool:t",)
    assert facts.manifest.permissions == ("files",)
    assert list(facts.findings.places) == ["network"]
    assert facts.requires == ("opsvi>=0.1",)
    assert not facts.builds


@pytest.mark.parametrize("points", ["", "[console_scripts]\nx = a:b\n", "[opsvi]\n"])
def test_what_is_no_plugin_is_refused(tmp_path: Path, points: str) -> None:
    wheel = write_wheel(tmp_path, "plain", "1.0", "", points=points)
    with pytest.raises(UsageError, match="no entry point in the group `opsvi`"):
        inspect_wheel(read_asked(str(wheel), "/"), wheel)


def test_damaged_ones_are_refused_in_a_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad-1.0-py3-none-any.whl"
    bad.write_bytes(b"PK nothing")
    with pytest.raises(OpsviError, match="cannot be read as a wheel"):
        inspect_wheel(read_asked(str(bad), "/"), bad)
    odd = write_wheel(tmp_path, "odd", "1.0", "", points="no section\n")
    with pytest.raises(UsageError, match=r"entry_points\.txt cannot be read"):
        inspect_wheel(read_asked(str(odd), "/"), odd)


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    (folder / "src" / "thing").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_x.py").write_text("import socket")
    (folder / "src" / "thing" / "plugin.py").write_text("import subprocess\n")
    (folder / "src" / "thing" / "opsvi-plugin.toml").write_text("isolated = true")
    (folder / "link").symlink_to("/etc")
    text = '[project]\nname = "thing"\nversion = "3"\nauthors = [{name = "Bo"}]\nlicense = "MIT"\n'
    (folder / "pyproject.toml").write_text(text + '[project.entry-points.opsvi]\nthing = "thing.plugin"\n')
    facts = inspect_folder(read_asked("./thing", str(tmp_path)), folder)
    assert (facts.name, facts.version, facts.author, facts.builds) == ("thing", "3", "Bo", True)
    assert facts.manifest.isolated
    assert list(facts.findings.places) == ["processes"]

    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match="no entry point"):
        inspect_folder(read_asked("./thing", str(tmp_path)), folder)
    (folder / "pyproject.toml").unlink()
    with pytest.raises(UsageError, match="no Python project"):
        inspect_folder(read_asked("./thing", str(tmp_path)), folder)
