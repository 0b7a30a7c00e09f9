"""References to keys, and the encrypted file of stored ones."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, DeadlineError, NotFoundError, StoreError, UsageError
from opsvi_cli.foundation.secrets import Secrets

KEY = "canary-Zq81xWv02pLm"
NOW = "2026-01-02T03:04:05.000Z"
Make = Callable[..., Secrets]


@pytest.fixture
def make(make_app: Callable[..., AppContext]) -> Make:
    def call(**env: str) -> Secrets:
        return make_app(env).foundation.secrets

    return call


def test_a_variable(make: Make) -> None:
    secrets = make(MY_KEY=KEY)
    assert secrets.resolve("env:MY_KEY") == KEY
    assert secrets.redactor.redact(f"x {KEY}") == "x [redacted]"


def test_a_missing_variable_names_the_command(make: Make) -> None:
    with pytest.raises(CredentialsError, match="OPENAI_API_KEY is not set") as error:
        make().resolve("env:OPENAI_API_KEY", stored_as="openai")
    assert "opsvi secrets set openai" in error.value.hint


def test_a_stored_key_stands_in_for_the_variable(make: Make) -> None:
    secrets = make()
    secrets.store("openai", KEY, NOW)
    assert secrets.resolve("env:OPENAI_API_KEY", stored_as="openai") == KEY
    assert make(OPENAI_API_KEY="from-the-env").resolve("env:OPENAI_API_KEY", stored_as="openai") == "from-the-env"


def test_a_file(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    secrets = make()
    assert secrets.resolve(f"file:{path}") == KEY


def test_a_file_that_others_can_read_is_said(make_app: Callable[..., AppContext], tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    app = make_app()
    assert app.foundation.secrets.resolve(f"file:{path}") == KEY
    assert isinstance(app.err, io.StringIO)
    assert f"chmod 600 {path}" in app.err.getvalue()


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe", "huge", "binary", "empty"])
def test_files_that_hold_no_key(make: Make, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "huge":
            path.write_text("x" * 70_000)
        case "binary":
            path.write_bytes(b"\xff\xfe\x00")
        case "empty":
            path.write_text("\n")
    with pytest.raises(CredentialsError) as error:
        make().resolve(f"file:{path}")
    assert error.value.hint


def test_a_command_runs_without_a_shell(make: Make, tmp_path: Path) -> None:
    secrets = make()
    program = tmp_path / "give"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint('got ' + '|'.join(sys.argv[1:]))\n")
    program.chmod(0o700)
    assert secrets.resolve(f"cmd:{program} 'a b' $HOME ; touch {tmp_path}/pwned") == (
        f"got a b|$HOME|;|touch|{tmp_path}/pwned"
    )
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("cmd:/nowhere/program --key hush", "cmd:/nowhere/program: No such file"),
        (f"cmd:{sys.executable} -c 'import sys; print(1234567); sys.exit(3)'", "exit code 3"),
        ("cmd:'unfinished", "cannot be read"),
        ("cmd:  ", "cannot be read"),
        (f"cmd:{sys.executable} -c pass", "is empty"),
    ],
)
def test_commands_that_give_no_key(make: Make, command: str, message: str) -> None:
    with pytest.raises(CredentialsError, match=message) as error:
        make().resolve(command)
    assert "hush" not in error.value.message + error.value.hint
    assert "1234567" not in error.value.message


def test_a_slow_command_ends_with_the_time(make: Make) -> None:
    secrets = make()
    secrets.remaining = lambda: 0.2
    with pytest.raises(DeadlineError):
        secrets.resolve(f"cmd:{sys.executable} -c 'import time; time.sleep(60)'")


def test_other_schemes_need_a_plugin(make: Make) -> None:
    secrets = make()
    with pytest.raises(CredentialsError, match="no plugin is installed that resolves keyring: references"):
        secrets.resolve("keyring:openai")

    class Ring:
        def get(self, name: str) -> str:
            return f"key-of-{name}"

    secrets.find_store = lambda scheme: Ring() if scheme == "keyring" else None
    assert secrets.resolve("keyring:openai") == "key-of-openai"


@pytest.mark.parametrize("reference", ["age:work", "work"])
def test_a_stored_key(make: Make, reference: str) -> None:
    make().store("work", f"{KEY}\n", NOW)
    assert make().resolve(reference) == KEY


def test_a_key_in_the_place_of_a_reference_is_never_repeated(make: Make) -> None:
    for text in ("sk-abcdefghijklmnopqrstuv", "Zq81xWv02pLm+/secret!", "hunter2"):
        with pytest.raises(CredentialsError) as error:
            make().resolve(text, stored_as="openai")
        assert text not in error.value.message + error.value.hint
        assert "opsvi secrets set openai" in error.value.hint


def test_storing_listing_revealing_removing(make: Make) -> None:
    secrets = make()
    secrets.store("b", "value-b", NOW)
    secrets.store("a", "line one\nline two\n", NOW)
    secrets.store("b", "value-b2", "2027-01-01T00:00:00.000Z")
    assert [tuple(item) for item in secrets.names()] == [("a", NOW, NOW), ("b", NOW, "2027-01-01T00:00:00.000Z")]
    assert secrets.reveal("a") == "line one\nline two"
    secrets.remove("a")
    with pytest.raises(NotFoundError):
        secrets.reveal("a")
    with pytest.raises(NotFoundError, match="'bb'") as error:
        secrets.remove("bb")
    assert "'b'" in error.value.hint or "secrets list" in error.value.hint


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("../x", "x"), ("a b", "x"), ("a", ""), ("a", "\n"), ("a", "x\0y")]
)
def test_what_cannot_be_stored(make: Make, name: str, value: str) -> None:
    with pytest.raises(UsageError):
        make().store(name, value, NOW)
    assert make().names() == []


def test_the_files_are_private_and_hold_no_plain_key(make: Make, home: Path) -> None:
    secrets = make()
    secrets.store("work", KEY, NOW)
    for path in (secrets.paths.secrets_file, secrets.paths.identity_file):
        assert path.stat().st_mode & 0o777 == 0o600
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()


def test_a_lost_or_foreign_identity_never_costs_the_keys(make: Make) -> None:
    secrets = make()
    secrets.store("work", KEY, NOW)
    data = secrets.paths.secrets_file.read_bytes()
    identity = secrets.paths.identity_file.read_text()
    secrets.paths.identity_file.unlink()
    with pytest.raises(StoreError, match="gone"):
        make().store("other", "value", NOW)
    secrets.paths.identity_file.write_text("nothing useful\n")
    with pytest.raises(StoreError, match="no age identity"):
        make().names()
    assert secrets.paths.secrets_file.read_bytes() == data
    secrets.paths.identity_file.write_text(identity)
    assert make().reveal("work") == KEY


def test_a_damaged_file_is_an_error_that_says_what_to_do(make: Make) -> None:
    secrets = make()
    secrets.store("work", KEY, NOW)
    secrets.paths.secrets_file.write_bytes(b"garbage")
    with pytest.raises(StoreError) as error:
        make().reveal("work")
    assert str(secrets.paths.secrets_file) in error.value.hint


@pytest.mark.skipif(shutil.which("age") is None, reason="needs the program age")
def test_the_program_age_opens_the_file(make: Make) -> None:
    secrets = make()
    secrets.store("work", KEY, NOW)
    done = subprocess.run(
        ["age", "--decrypt", "-i", secrets.paths.identity_file, secrets.paths.secrets_file],
        capture_output=True,
        text=True,
        check=True,
    )
    assert KEY in done.stdout


def test_two_processes_store_at_once(home: Path) -> None:
    code = (
        "import sys; from opsvi_cli.context import AppContext\n"
        "for n in range(10): AppContext().foundation.secrets.store(f'{sys.argv[1]}{n}', 'value', 'now')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("a", "b")]
    assert [process.wait(timeout=100) for process in running] == [0, 0]
    assert len(AppContext().foundation.secrets.names()) == 20
