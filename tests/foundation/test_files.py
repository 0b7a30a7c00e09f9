"""Files that a user names are read with an end, and appear whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.files import read_bytes, read_text, write_atomic


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    assert read_text(path, "a") == "one\ntwo\n"
    assert read_bytes(path, "a").startswith(b"\xef\xbb\xbfone\r\n")
    assert read_text(path, "a", limit=12)
    with pytest.raises(UsageError, match=r"^a: larger than 11 bytes"):
        read_text(path, "a", limit=11)
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        read_text(path, "a")


@pytest.mark.parametrize("name", ["nope.txt", ".", "a\0b", "n" * 300])
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_text(tmp_path / name, "--system @x", hint="the hint")
    assert caught.value.message.startswith("--system @x: ")
    assert caught.value.hint == "the hint"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_that_never_ends() -> None:
    with pytest.raises(UsageError, match="larger than"):
        read_text(Path("/dev/zero"), "x")


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("x" * 200_000,))
    writer.start()
    assert read_text(pipe, "x") == "x" * 200_000
    writer.join()


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    """A device or a pipe that the user named must not be replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[str] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_text()), daemon=True)
    reader.start()
    write_atomic(pipe, "text")
    assert pipe.is_fifo()
    reader.join(5)
    assert came == ["text"]
    with pytest.raises(IsADirectoryError):
        write_atomic(tmp_path, "text")
