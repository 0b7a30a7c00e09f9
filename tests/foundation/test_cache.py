"""The cache: hits, age, size, damage, and two processes at once."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from opsvi_cli.foundation.cache import Cache, CacheSpace

LOG = logging.getLogger("test")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Cache:
    return Cache(tmp_path / "cache" / "cache.db", 1_000_000, LOG, clock=clock)


def test_values_by_namespace(cache: Cache) -> None:
    a, b = CacheSpace(cache, "a"), CacheSpace(cache, "b")
    a.put("k", b"1")
    b.put("k", b"2")
    a.put("k", b"3")
    assert (a.get("k"), b.get("k"), a.get("other")) == (b"3", b"2", None)
    b.put_json("j", {"x": [1, "é"]})
    assert b.get_json("j") == {"x": [1, "é"]}
    assert b.get_json("none") is None


def test_many_at_once(cache: Cache) -> None:
    space = CacheSpace(cache, "a")
    items = {f"key-{n}": str(n).encode() for n in range(1234)}
    space.put_many(items)
    assert space.get_many([*items, "missing"]) == items
    (stats,) = cache.stats()
    assert stats.entries == 1234


def test_old_values_are_gone(cache: Cache, clock: Clock) -> None:
    space = CacheSpace(cache, "a")
    space.put("short", b"x", seconds=10)
    space.put("long", b"y")
    clock.now += 11
    assert space.get_many(["short", "long"]) == {"long": b"y"}


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, clock: Clock) -> None:
    cache = Cache(tmp_path / "cache.db", 20_000, LOG, clock=clock)
    space = CacheSpace(cache, "a")
    for n in range(15):
        clock.now += 1
        space.put(f"{n}", b"x" * 1000)
    clock.now += 100
    assert space.get("0") is not None
    for n in range(15, 25):
        clock.now += 1
        space.put(f"{n}", b"x" * 1000)
    kept = space.get_many([f"{n}" for n in range(25)])
    assert "24" in kept
    assert "0" in kept
    assert "1" not in kept
    assert sum(stats.bytes for stats in cache.stats()) <= 20_000


def test_the_total_follows_replacing_and_clearing(cache: Cache, tmp_path: Path) -> None:
    import sqlite3

    space = CacheSpace(cache, "a")
    for size in (10, 2000, 5):
        space.put("k", b"x" * size)
    (stats,) = cache.stats()
    with sqlite3.connect(cache.path) as db:
        assert db.execute("SELECT bytes FROM totals").fetchone()[0] == stats.bytes
    assert cache.clear("other").entries == 0
    assert cache.clear().entries == 1
    assert cache.stats() == []


def test_the_file_is_private(cache: Cache) -> None:
    CacheSpace(cache, "a").put("k", b"v")
    assert cache.path.stat().st_mode & 0o777 == 0o600
    assert cache.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"garbage" * 1000)
    space = CacheSpace(Cache(path, 1000, LOG), "a")
    assert space.get("k") is None
    space.put("k", b"v")
    assert space.get("k") == b"v"


def test_a_place_that_cannot_be_written_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    space = CacheSpace(Cache(tmp_path / "file" / "cache.db", 1000, LOG), "a")
    space.put("k", b"v")
    assert space.get("k") is None


def test_switched_off_it_holds_nothing() -> None:
    space = CacheSpace(None, "a")
    space.put("k", b"v")
    assert space.get_many(["k"]) == {}


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import logging, sys; from pathlib import Path\n"
        "from opsvi_cli.foundation.cache import Cache, CacheSpace\n"
        "space = CacheSpace(Cache(Path(sys.argv[1]), 10_000_000, logging.getLogger()), 'a')\n"
        "for n in range(100): space.put_many({f'{sys.argv[2]}-{n}': b'x' * 100, f'both-{n}': sys.argv[2].encode()})\n"
    )
    path = tmp_path / "cache.db"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("one", "two")]
    assert [process.wait(timeout=100) for process in running] == [0, 0]
    cache = Cache(path, 10_000_000, LOG)
    (stats,) = cache.stats()
    assert stats.entries == 300
    assert set(CacheSpace(cache, "a").get_many([f"both-{n}" for n in range(100)]).values()) <= {b"one", b"two"}
