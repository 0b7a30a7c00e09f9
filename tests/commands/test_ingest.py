"""`opsvi ingest` as a user and a script see it."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from opsvi_cli.app import run
from opsvi_cli.context import AppContext

SCHEMA = json.loads((Path(__file__).parents[1] / "golden/ingest.schema.json").read_text())


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nText of a.\n")
    (folder / "b.md").write_text("# B\n\nText of b.\n")
    (folder / "empty.md").touch()
    return folder


def test_json_has_the_shape_that_is_promised(opsvi: Any, docs: Path) -> None:
    for args in ([docs, "missing"], [docs, "-n"], [docs]):
        done = opsvi("ingest", *args, "--embedder", "hash", "--json")
        jsonschema.validate(done.json, SCHEMA)
    assert done.json["collection"] == "default"
    assert [Path(row["source"]).name for row in done.json["documents"]] == ["a.md", "b.md", "empty.md"]
    assert opsvi("ingest", docs, "--json=counts").json["counts"]["unchanged"] == 2
    wrong = opsvi("ingest", docs, "--json=nope")
    assert wrong.code == 2
    assert "Available fields" in wrong.err


def test_jsonl_is_one_line_a_document(opsvi: Any, docs: Path) -> None:
    done = opsvi("ingest", docs, "--embedder", "hash", "--jsonl")
    schema = SCHEMA["properties"]["documents"]["items"]
    for row in done.jsonl:
        jsonschema.validate(row, schema)
    assert sorted(row["status"] for row in done.jsonl) == ["added", "added", "skipped"]


def test_a_pipe_gets_a_line_a_changed_document(opsvi: Any, docs: Path, tmp_path: Path) -> None:
    done = opsvi("ingest", "docs", "--embedder", "hash")
    assert done.out.splitlines() == ["added\tdocs/a.md", "added\tdocs/b.md", "skipped\tdocs/empty.md\tempty"]
    assert "default: 2 added, 1 skipped" in done.err
    assert 'opsvi query "..."' in done.err
    again = opsvi("ingest", "docs")
    assert again.out.splitlines() == ["skipped\tdocs/empty.md\tempty"]
    assert "opsvi query" not in again.err


def test_quiet_keeps_failures_and_nothing_else(opsvi: Any, docs: Path) -> None:
    done = opsvi("ingest", docs, "--embedder", "hash", "-q")
    assert done.err == ""
    done = opsvi("ingest", docs, "nope.md", "-q")
    assert done.code == 3
    assert done.err.splitlines()[0].startswith("failed: nope.md")


def test_exit_codes(opsvi: Any, docs: Path) -> None:
    assert opsvi("ingest", docs, "--embedder", "hash").code == 0
    assert opsvi("ingest", docs, "nope").code == 3
    assert opsvi("ingest", "nope").code == 1
    assert opsvi("ingest").code == 2
    assert opsvi("ingest", docs, "--nope").code == 2
    assert opsvi("ingest", "-", stdin="x").code == 2
    assert opsvi("ingest", "-", "--name", "x").code == 2  # stdin is a terminal
    assert opsvi("ingest", docs, "--embedder", "none-such", "-c", "new").code == 2
    assert opsvi("ingest", docs, "--chunker", "none-such").code == 2
    assert opsvi("ingest", docs, "-c", "../evil").code == 2
    assert opsvi("ingest", docs, "-c", "new", "--chunk-size", "10", "--overlap", "10").code == 2


def test_an_empty_folder_is_no_error(opsvi: Any, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    done = opsvi("ingest", "void")
    assert done.code == 0
    assert "nothing found" in done.err


def test_names_from_the_disk_cannot_drive_the_terminal(opsvi: Any, docs: Path) -> None:
    (docs / "e\x1b]0;evil\x07\nnext.md").write_text("text")
    done = opsvi("ingest", "docs", "--embedder", "hash")
    assert "\x1b" not in done.out + done.err
    assert len(done.out.splitlines()) == 4


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_on_stderr_and_a_short_list(docs: Path, home: Path, tmp_path: Path) -> None:
    for n in range(40):
        (docs / f"n{n}.md").write_text(f"Note number {n}.")
    out, err = _Terminal(), _Terminal()
    app = AppContext(out=out, err=err, stdin=_Terminal(), env={**os.environ, "TERM": "xterm"}, cwd=str(tmp_path))
    assert run(["ingest", "docs", "--embedder", "hash"], app) == 0
    assert "43" in err.getvalue()
    assert "\x1b" in err.getvalue()
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().splitlines()[-1] == "... and 22 more"
    dumb = _Terminal()
    app = AppContext(
        out=_Terminal(), err=dumb, stdin=_Terminal(), env={**os.environ, "TERM": "dumb"}, cwd=str(tmp_path)
    )
    assert run(["ingest", "docs"], app) == 0
    assert "\x1b" not in dumb.getvalue()


def test_help_has_examples(opsvi_process: Any) -> None:
    done = opsvi_process("ingest", "-h")
    assert done.code == 0
    assert "Examples" in done.out
    assert "opsvi ingest docs/ --sync" in done.out


def test_a_password_opens_encrypted_documents(opsvi: Any, tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    plain = Path(__file__).resolve().parents[2] / "examples" / "documents" / "policies" / "change-policy.pdf"
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt("open-sesame", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    (tmp_path / "word").write_text("open-sesame\n")
    assert opsvi("ingest", "locked.pdf").code == 1
    assert opsvi("ingest", "locked.pdf", "--password-file", "word").code == 0
    assert opsvi("search", "change freeze", "--json").json
