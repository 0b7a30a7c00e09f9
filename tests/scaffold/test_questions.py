"""What `new-library` asks a person at a terminal, and only that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect")


@pytest.fixture
def small_template(write_template: object) -> Path:
    return write_template()  # type: ignore[operator]


def _spawn(tmp_path: Path, *args: object) -> pexpect.spawn[str]:
    words = ["-m", "opsvi_cli", "new-library", "ocean-data", *map(str, args)]
    env = {**os.environ, "TERM": "dumb"}
    return pexpect.spawn(sys.executable, words, cwd=str(tmp_path), env=env, encoding="utf-8", timeout=30)


def test_only_what_is_missing_is_asked_and_a_wrong_answer_again(small_template: Path, tmp_path: Path) -> None:
    child = _spawn(tmp_path, "--template", small_template, "-a", "description=Tides")
    child.expect_exact("Licence (MIT, BSD-3-Clause) [MIT]: ")
    assert "One line" not in child.before
    child.sendline("GPL")
    child.expect_exact("license: 'GPL' is none of MIT, BSD-3-Clause")
    child.expect_exact("Licence (MIT, BSD-3-Clause) [MIT]: ")
    child.sendline("")
    # Offered, because git knows it; the template's own default is empty.
    child.expect_exact("E-mail [ana@example.org]: ")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    text = (tmp_path / "ocean-data/pyproject.toml").read_text()
    assert 'email = "ana@example.org"' in text
    assert 'license = "MIT"' in text


def test_ctrl_c_at_a_question_leaves_nothing(small_template: Path, tmp_path: Path) -> None:
    child = _spawn(tmp_path, "--template", small_template)
    child.expect_exact("One line")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert not [path for path in tmp_path.iterdir() if "ocean" in path.name]


def test_the_end_of_the_input_is_not_an_answer(small_template: Path, tmp_path: Path) -> None:
    child = _spawn(tmp_path, "--template", small_template)
    child.expect_exact("One line")
    child.sendeof()
    child.expect_exact("description is not answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2
    assert not (tmp_path / "ocean-data").exists()


def test_with_no_input_nothing_is_asked(small_template: Path, tmp_path: Path) -> None:
    child = _spawn(tmp_path, "--template", small_template, "--no-input")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert 'email = ""' in (tmp_path / "ocean-data/pyproject.toml").read_text()
