"""The contract of `sdk.SecretStore`."""

from __future__ import annotations

from typing import Any

from opsvi_cli.sdk import CredentialsError, SecretStore

from .contract import Contract, describe, is_text, show

MISSING = ("opsvi-contract-no-such-secret", "", " ", "../../etc/passwd", "a\0b", "x" * 10_000, "-o", "a b;c")


def check_secret_store(store: SecretStore, name: str) -> None:
    """Hold a secret store to its contract. `name` is that of a secret it has. Raises ContractError.

    No sentence of the error repeats the secret.
    """
    with Contract(store) as contract:
        secret = ""
        with contract.attempt("`get` of a secret that is there"):
            found: Any = store.get(name)
            if contract.expect(is_text(found), "`get` must give a text", f"it gave a {type(found).__name__}"):
                secret = found
                contract.expect(store.get(name) == secret, "`get` must give the same secret again", "it gave another")
        for missing in MISSING:
            _refuses(contract, store, missing, secret)
        if secret:
            _refuses(contract, store, f"{name}-opsvi-contract", secret)


def _refuses(contract: Contract, store: SecretStore, missing: str, secret: str) -> None:
    promise = "a secret that is not there must be refused with CredentialsError"
    shown = show(missing if len(missing) < 40 else f"{missing[:10]}... ({len(missing)} characters)")
    try:
        store.get(missing)
    except CredentialsError as error:
        said = f"{error.message} {error.hint} {error} {error.details} {error.__cause__}"
        contract.expect(not secret or secret not in said, "CredentialsError must never repeat a secret", "it does")
        contract.expect(
            is_text(error.message) and "\n" not in error.message,
            "CredentialsError must say in one line what failed",
            f"for {shown} it does not",
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001
        text = describe(error)
        came = type(error).__name__ if secret and secret in text else text
        contract.expect(False, promise, f"for {shown} it raised {came}")
    else:
        contract.expect(False, promise, f"for {shown} it gave something")
