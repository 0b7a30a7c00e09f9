"""The contract of `sdk.Tool`."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import JSON, Tool, ToolSpec

from .contract import Contract, describe, is_text, show

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECONDS = 10.0
"""How long a call with wrong arguments may take."""


def check_tool(tool: Tool, arguments: Mapping[str, JSON]) -> None:
    """Hold a tool to its contract; it is run once with `arguments` and some times with wrong ones.

    A tool with side effects has them, at least once. Raises ContractError.
    """
    with Contract(tool) as contract:
        spec = _spec(contract, tool)
        if spec is not None:
            _fits(contract, spec, arguments)
        _call(contract, tool, arguments)
        if spec is not None:
            for what, wrong in _wrong(spec, arguments):
                _refuses(contract, tool, what, wrong)
            contract.equal(tool.spec, spec, "`spec` must stay the same")


def _spec(contract: Contract, tool: Tool) -> ToolSpec | None:
    from jsonschema import Draft202012Validator, SchemaError

    spec: Any = None
    with contract.attempt("reading `spec` and `side_effects`"):
        effects: Any = tool.side_effects
        contract.expect(isinstance(effects, bool), "`side_effects` must be True or False", f"it is {show(effects)}")
        taints: Any = getattr(tool, "taints", True)
        contract.expect(isinstance(taints, bool), "`taints` must be True or False", f"it is {show(taints)}")
        spec = tool.spec
    if not contract.expect(isinstance(spec, ToolSpec), "`spec` must be a ToolSpec", f"it is {show(spec)}"):
        return None
    named = isinstance(spec.name, str) and NAME.fullmatch(spec.name) is not None
    contract.expect(
        named, "the name of a tool must be 1 to 64 letters, digits, _ and -: servers take no other", show(spec.name)
    )
    contract.expect(is_text(spec.description), "a tool must have a description: models choose by it", "it has none")
    promise = "the parameters of a tool must be a JSON Schema of an object"
    try:
        schema = json.loads(json.dumps(dict(spec.parameters), allow_nan=False))
        Draft202012Validator.check_schema(schema)
    except (TypeError, ValueError, SchemaError) as error:
        contract.expect(False, promise, f"they are not: {describe(error)}")
        return None
    if not contract.expect(schema.get("type") == "object", promise, f"their type is {show(schema.get('type'))}"):
        return None
    kept: ToolSpec = copy.deepcopy(spec)
    return kept


def _fits(contract: Contract, spec: ToolSpec, arguments: Mapping[str, JSON]) -> None:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(dict(spec.parameters)).iter_errors(dict(arguments)):
        contract.expect(False, "the arguments of the check must fit the parameters of the tool", error.message)


def _call(contract: Contract, tool: Tool, arguments: Mapping[str, JSON]) -> None:
    given = copy.deepcopy(dict(arguments))
    promise = "what `call` gives must be JSON"
    with contract.attempt(f"`call({show(given)})`"):
        result = tool.call(given)
        contract.equal(given, dict(arguments), "`call` must leave its arguments as they are")
        try:
            back = json.loads(json.dumps(result, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            contract.expect(False, promise, f"it is not: {describe(error)}")
        else:
            contract.equal(back, result, promise)


def _wrong(spec: ToolSpec, arguments: Mapping[str, JSON]) -> Iterator[tuple[str, dict[str, Any]]]:
    required: Any = spec.parameters.get("required", [])
    if required:
        yield "no arguments", {}
    for name in required:
        yield f"no {name!r}", {key: value for key, value in arguments.items() if key != name}
        yield f"an object without a meaning as {name!r}", {**arguments, name: {"opsvi": ["contract"]}}


def _refuses(contract: Contract, tool: Tool, what: str, wrong: dict[str, Any]) -> None:
    """What a tool raises goes to the model; one that hangs, or answers as if nothing were missing, misleads it."""
    promise = "`call` must raise an exception for arguments that do not fit"
    came: list[str] = []

    def run() -> None:
        try:
            came.append(f"it gave {show(tool.call(wrong))}")
        except Exception:  # noqa: BLE001  # the promise
            came.append("")
        except BaseException as error:  # noqa: BLE001  # ends the program
            came.append(f"it raised {describe(error)}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    answer = came[0] if came else f"it was still running after {SECONDS:g} s"
    contract.expect(not answer, promise, f"with {what} {answer}")
