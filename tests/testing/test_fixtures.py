"""The pytest plugin as an author of plugins meets it: its fixtures, its fakes, and what it costs to be installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.sdk import CredentialsError, Finish, Message, ModelRequest, NetworkError, ProviderError, TextDelta
from opsvi_cli.testing import FakeEmbedder, FakeProvider, check_embedder, check_provider, check_store

TESTS = '''
"""Tests of somebody's plugin."""

import os

import pytest

import opsvi_cli.testing
from opsvi_cli.testing import ContractError, check_embedder


def test_runner(opsvi, opsvi_home, tmp_path):
    (tmp_path / "note.md").write_text("The disk is full.")
    assert opsvi("ingest", "note.md", "--embedder", "hash").code == 0
    assert "disk" in opsvi("search", "disk", "--json").json[0]["text"]
    assert opsvi("prompt", "-m", "echo", stdin="hello").out.strip() == "hello"
    assert opsvi("extract", "-", stdin=b"bytes").out.strip() == "bytes"
    assert opsvi("search").code == 2
    assert opsvi("config", "path", "--json", env={"OPSVI_HOME": "/elsewhere"}).out.count("/elsewhere")
    assert os.environ["OPSVI_HOME"] == str(opsvi_home)
    assert (opsvi_home / "data").is_dir()


def test_home_is_new(opsvi_home):
    assert not opsvi_home.exists()


def test_services(opsvi_services, monkeypatch):
    services = opsvi_services("shout", loud=True)
    assert (services.name, dict(services.options)) == ("shout", {"loud": True})
    monkeypatch.setenv("KEY", "v-1")
    assert services.secret("env:KEY") == "v-1"
    assert services.remaining() is None


def test_contract(fake_embedder):
    check_embedder(fake_embedder)
    fake_embedder.fusion_weight = 9
    with pytest.raises(ContractError) as caught:
        check_embedder(fake_embedder)
    assert "must be a number from 0 to 1" in str(caught.value)
'''


@pytest.fixture
def pytest_run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """pytest in a process and a folder of its own, with nothing of this repository's tests."""

    def call(source: str, *flags: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "plugin"
        folder.mkdir()
        (folder / "test_it.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *flags],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    return call


def test_the_fixtures_are_there_without_an_import(pytest_run: Callable[..., Any]) -> None:
    done = pytest_run(TESTS)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_a_test_run_that_uses_nothing_of_it_loads_nothing_of_opsvi(pytest_run: Callable[..., Any]) -> None:
    source = (
        "import sys\n"
        "def test_it():\n"
        "    loaded = sorted(name for name in sys.modules if name.startswith('opsvi'))\n"
        "    assert loaded == ['opsvi_cli', 'opsvi_cli.testing', 'opsvi_cli.testing.plugin']\n"
        "    assert not {'numpy', 'pydantic', 'typer', 'httpx2'} & sys.modules.keys()\n"
    )
    done = pytest_run(source)
    assert "1 passed" in done.stdout, done.stdout


def test_suites_need_no_pytest() -> None:
    code = (
        "import sys\n"
        "import opsvi_cli.testing as t\n"
        "for name in t.__all__: getattr(t, name)\n"
        "t.check_embedder(t.FakeEmbedder())\n"
        "assert 'pytest' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    import opsvi_cli.testing

    with pytest.raises(AttributeError, match="check_nothing"):
        opsvi_cli.testing.check_nothing


def test_every_kind_with_a_protocol_has_a_suite() -> None:
    import opsvi_cli.testing
    from opsvi_cli.sdk import KINDS

    without = {kind for kind in KINDS if f"check_{kind}" not in opsvi_cli.testing.__all__}
    assert without == {"command", "cache", "executor", "exporter"}


def test_the_fakes_keep_their_contracts(fake_provider: Any, fake_embedder: Any, opsvi_services: Any) -> None:
    from dataclasses import replace
    from itertools import count

    from opsvi_cli.builtin.store_memory import MemoryBackend

    check_provider(fake_provider, model="fake")
    check_embedder(fake_embedder)
    places = count()
    check_store(lambda: MemoryBackend(replace(opsvi_services("fake"), data_dir=Path(f"/fake/{next(places)}"))))


def test_the_fake_store_is_empty(fake_store: Any) -> None:
    from opsvi_cli.testing.store_documents import fill

    assert fake_store.names() == []
    fill(fake_store)
    assert fake_store.names() == ["contract-notes"]


def test_the_fake_provider_gives_its_replies_in_turn() -> None:
    events = [TextDelta("by hand"), Finish("length")]
    provider = FakeProvider("one two", events, ProviderError("down", kind="server"), "last")
    request = ModelRequest("fake", [Message("user", "hi")])
    assert [event.text for event in provider.stream(request) if isinstance(event, TextDelta)] == ["one ", "two"]
    assert list(provider.stream(request)) == events
    with pytest.raises(ProviderError, match="down"):
        next(provider.stream(request))
    for _ in range(2):
        assert next(provider.stream(request)) == TextDelta("last")
    assert provider.requests == [request] * 5


def test_the_fake_embedder_remembers_and_tells_texts_apart() -> None:
    embedder = FakeEmbedder()
    one, other = embedder.embed(["one", "other"])
    assert embedder.texts == ["one", "other"]
    assert float(one @ other) < 0.999


def test_services_are_the_real_ones(opsvi_services: Callable[..., Any]) -> None:
    services = opsvi_services()
    with pytest.raises(CredentialsError):
        services.secret("env:NOT_THERE")
    with services.http() as client, pytest.raises(NetworkError):
        client.get("http://127.0.0.1:9/")
