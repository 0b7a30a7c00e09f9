"""What goes wrong with a model's server, in opsvi's words."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from opsvi_cli.sdk import (
    CredentialsError,
    NetworkError,
    OpsviError,
    ProviderError,
    Server,
    UsageError,
    errors_translated,
)

SERVER = Server("some", "m", "http://x", "")


class VendorError(Exception):
    """What a vendor's library raises."""


def vendor(error: Exception, server: Server) -> OpsviError | None:
    return server.broke_off(str(error)) if isinstance(error, VendorError) else None


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (VendorError("out of memory"), "server", "the server broke off: out of memory"),
        (httpx2.ReadTimeout("no answer within 5 s (http.first_byte_timeout)"), "timeout", "no answer within 5 s"),
        (httpx2.ConnectError("no route"), "network", "cannot connect: no route"),
        (KeyError("choices"), "bad-response", "the answer cannot be read (KeyError)"),
    ],
)
def test_what_a_library_raises_is_an_error_of_the_server(error: Exception, kind: str, says: str) -> None:
    with pytest.raises(ProviderError) as caught, errors_translated(SERVER, vendor):
        raise error
    assert (caught.value.kind, caught.value.__cause__) == (kind, error)
    assert caught.value.message.startswith("some/m at http://x: ")
    assert says in caught.value.message


def test_what_opsvis_own_client_refuses_is_told_of_the_server() -> None:
    for message in ("http://x/y redirects to http://z: not followed", "too large"):
        with pytest.raises(ProviderError) as caught, errors_translated(SERVER, vendor):
            raise NetworkError(message, hint="set base_url")
        assert caught.value.kind == "bad-response"
        assert caught.value.message == f"some/m{'' if 'http' in message else ' at http://x'}: {message}"


def test_errors_of_opsvi_pass_as_they_are() -> None:
    error = UsageError("no model is named")
    with pytest.raises(UsageError) as caught, errors_translated(SERVER, vendor):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("key", "says", "hint"),
    [
        ("", "a key is needed (401)", "opsvi config set parts.some.api_key env:NAME"),
        ("sk-1234567890", "the key was refused (401)", "opsvi secrets set some"),
        (None, "the key was refused (401)", "opsvi secrets set some"),
    ],
)
def test_a_server_that_was_asked_without_a_key_wants_one(key: str | None, says: str, hint: str) -> None:
    error = Server("some", "m", "http://x", key, "parts").status_error(401)
    assert isinstance(error, CredentialsError)
    assert says in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("env:MY_KEY", "the variable MY_KEY"),
        ("file:/run/key", "file:/run/key"),
        ("mine", "`opsvi secrets set mine`"),
    ],
)
def test_the_hint_for_a_refused_key_is_about_that_key(reference: str, hint: str) -> None:
    error = Server("some", "m", "http://x", "sk-1234567890", key_from=reference).status_error(401)
    assert hint in error.hint


@pytest.mark.parametrize("made", [Server.timed_out, lambda server: server.timed_out("no answer within 1 s (http.x)")])
def test_a_timeout_names_the_setting_of_the_part(made: Callable[[Server], ProviderError]) -> None:
    assert "parts.some.timeout" in made(Server("some", "m", "http://x", section="parts")).hint
    assert "providers.some.timeout" in made(SERVER).hint
