"""The name of a library and what follows from it: package, titles, class names. Bad and reserved names are refused."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Collection, Sequence

from opsvi_cli.errors import UsageError

LONGEST = 60
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
# Folders that every generated project has, and what opsvi and Python call their own.
_TAKEN = frozenset({"opsvi", "opsvi_cli", "test", "tests", "docs", "examples", "build", "dist", "src", "venv"})
_FEATURE_TAKEN = frozenset({"core", "testing", "utils", "integrations", "tests"})
_WINDOWS = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})

# Exceptions of the packaged templates beside the base of each library, which may not be called the same.
_ERRORS = {
    "AccessDenied", "Access", "AddressTaken", "Api", "Auth", "Bus", "Cache", "Checksum", "Circuit", "Closed",
    "Config", "Conflict", "ExpiredToken", "Health", "IllegalStep", "Input", "ItemNotFound", "KeysUnreachable",
    "Ledger", "Limit", "LoginRequired", "Metrics", "Mount", "NotAuthorized", "NotFound", "NoteExists",
    "NoteNotFound", "Order", "Policy", "RateLimit", "Room", "RpcFailed", "Rule", "Scheduler", "Secret", "Settings",
    "Storage", "Tracing", "Workflow",
}  # fmt: skip


def module_name(name: str) -> str:
    return name.replace("-", "_")


def plugin_name(name: str) -> str:
    """What a plugin's part is registered as: the distribution's name without opsvi in front."""
    return name.removeprefix("opsvi-").replace("_", "-")


def class_name(name: str) -> str:
    return "".join(word.capitalize() for word in re.split("[-_]", name))


def error_name(name: str) -> str:
    """The base of all exceptions of the library: one that neither Python nor a template has already."""
    own = class_name(name)
    taken = own in _ERRORS or hasattr(builtins, f"{own}Error")
    return f"{own}LibraryError" if taken else f"{own}Error"


def title(name: str) -> str:
    return " ".join(word.capitalize() for word in re.split("[-_]", name))


def check_library_name(name: str, dependencies: Collection[str] = ()) -> None:
    """Refuse a name that cannot be a distribution and a package at once. `dependencies`: distributions it installs.

    Raises UsageError with a name that would do.
    """
    _check(name, "a library", _TAKEN)
    if name.replace("_", "-") in {_distribution(line) for line in dependencies}:
        raise UsageError(f"{name!r} is the name of a library that it depends on", hint=f"e.g. {name}-tools")


def check_feature_names(names: Sequence[str], package: str, integrations: Collection[str]) -> None:
    """Refuse features that would clash with each other, with `--with`, or with what every library has.

    Raises UsageError with a name that would do.
    """
    seen: dict[str, str] = {}
    for name in names:
        _check(name, "a feature", _FEATURE_TAKEN | {package})
        # test_core.py, test_example.py: the library's own tests
        if name in integrations:
            raise UsageError(f"--feature {name}: --with adds one of that name", hint=f"e.g. {name}-set")
        if name == "example":
            raise UsageError(f"a feature cannot be called {name!r}: the library's own test is", hint=f"e.g. {name}-set")
        module = module_name(name)
        if module in seen:
            raise UsageError(f"--feature {name}: it is there already, as {seen[module]!r}", hint="name it once")
        seen[module] = name


def check_plugin_name(name: str, kind: str, built_in: Collection[str]) -> None:
    """Refuse a name under which a plugin cannot register its part: too short, or that of a part of opsvi itself.

    Raises UsageError with a name that would do.
    """
    if len(name) < 2:
        raise UsageError(f"a plugin cannot be called {name!r}: two letters at least", hint=f"e.g. opsvi-{name}-tools")
    if name in built_in:
        raise UsageError(f"opsvi has a {kind} {name!r} itself", hint=f"e.g. opsvi-{name}-tools")


def _check(name: str, what: str, taken: Collection[str]) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        rule = f"small letters, digits and single hyphens, a letter first, at most {LONGEST}"
        raise UsageError(f"{what} cannot be called {name!r}: {rule}", hint=f"e.g. {suggestion(name)}")
    module = module_name(name)
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise UsageError(f"{what} cannot be called {name!r}: it is a word of Python", hint=f"e.g. {name}-tools")
    if module in sys.stdlib_module_names:
        raise UsageError(f"{what} cannot be called {name!r}: it is a module of Python", hint=f"e.g. {name}-tools")
    if module in taken or module in _WINDOWS:
        raise UsageError(f"{what} cannot be called {name!r}: the name is taken", hint=f"e.g. {name}-tools")


def suggestion(name: str) -> str:
    """A name that would do, as near to `name` as can be."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower())
    found = "-".join(words)[:LONGEST].strip("-").lstrip("0123456789-")
    return found or "ocean-data"


def _distribution(requirement: str) -> str:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return canonicalize_name(Requirement(requirement).name)
