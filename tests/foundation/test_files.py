"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from opsvi_cli.foundation.files import write_atomic


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
