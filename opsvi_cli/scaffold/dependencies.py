"""`opsvi library deps`: what a library asks for, what is locked, what is newest; and raising the lower bounds.

The newest versions come from uv or pip, so indexes, mirrors and credentials are those the user has set up for them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NetworkError, NotFoundError, OpsviError

from .record import PYPROJECT, find_upwards

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from opsvi_cli.context import AppContext

DEPENDENCY_FIELDS = ("group", "name", "requirement", "floor", "locked", "latest", "status")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_SECONDS = 120
_NO_NETWORK = re.compile(r"error sending request|failed to fetch|connection|timed out|temporary failure", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One line of pyproject.toml. `floor`, `locked`, `latest` are versions, empty where there is none.

    `status`: `ok`; `outdated`, the newest is allowed and the floor is below it; `held`, a bound of the line leaves the
    newest out; `unknown`, no index knows it; `other`, it is no version but a URL.
    """

    group: str
    name: str
    requirement: str
    floor: str
    locked: str
    latest: str
    status: str


def dependencies(app: AppContext, folder: str) -> tuple[Path, list[Dependency]]:
    """(pyproject.toml, its dependencies in the order of the file). Raises NotFoundError, OpsviError, NetworkError."""
    path = _find(app, folder)
    data = _load(path)
    lines = list(_lines(data))
    parsed = [(group, text, _parse(path, text)) for group, text in lines]
    locked = _locked(path.parent)
    latest = _latest(app, sorted({one.name for _, _, one in parsed if one.url is None}), str(_python(data)))
    found = []
    for group, text, one in parsed:
        key = _key(one.name)
        row = Dependency(group, one.name, text, _floor(one), locked.get(key, ""), latest.get(key, ""), "ok")
        found.append(replace(row, status=_status(one, row)))
    return path, found


def raise_floors(path: Path, found: Sequence[Dependency]) -> list[Dependency]:
    """Set the lower bound of each outdated dependency to the newest version; comments and order stay.

    Returns what was changed, with the new lines. Raises OpsviError.
    """
    import tomlkit

    from opsvi_cli.foundation.files import write_atomic

    wanted = {(one.group, one.requirement): _raised(one) for one in found if one.status == "outdated"}
    document = tomlkit.parse(path.read_text("utf-8"))
    for group, array in _arrays(document):
        for index, item in enumerate(array):
            new = wanted.get((group, str(item))) if isinstance(item, str) else None
            if new is not None:
                array[index] = new
    if wanted:
        write_atomic(path, tomlkit.dumps(document), mode=path.stat().st_mode & 0o777)
    return [
        replace(one, requirement=wanted[one.group, one.requirement], floor=one.latest, status="ok")
        for one in found
        if one.status == "outdated"
    ]


def _find(app: AppContext, folder: str) -> Path:
    start = Path(os.path.abspath(Path(app.cwd, folder).expanduser()))
    place = find_upwards(start, PYPROJECT)
    if place is None:
        raise NotFoundError(f"there is no {PYPROJECT} in {start} or above", hint="opsvi library deps FOLDER")
    return place / PYPROJECT


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OpsviError(f"{path} cannot be read: {error}", hint="mend it by hand") from None


def _lines(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group, array in _arrays(data):
        for item in array:
            if isinstance(item, str):
                yield group, item


def _arrays(data: Any) -> Iterator[tuple[str, Any]]:
    """(group, list) of every list of requirements: PEP 621 dependencies and extras, PEP 735 groups."""
    project = data.get("project", {})
    yield "dependencies", project.get("dependencies", [])
    for name, array in project.get("optional-dependencies", {}).items():
        yield f"extra {name}", array
    for name, array in data.get("dependency-groups", {}).items():
        yield f"group {name}", array


def _parse(path: Path, text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise OpsviError(f"{path}: {text!r} is no requirement: {str(error).splitlines()[0]}", hint="PEP 508") from None


def _floor(one: Requirement) -> str:
    from packaging.version import Version

    bounds = [spec.version for spec in one.specifier if spec.operator in (">=", "~=", "==") and "*" not in spec.version]
    return max(bounds, key=Version) if bounds else ""


def _status(one: Requirement, row: Dependency) -> str:
    from packaging.version import Version

    if one.url is not None:
        return "other"
    if not row.latest:
        return "unknown"
    if not one.specifier.contains(row.latest, prereleases=True):
        return "held"
    return "outdated" if not row.floor or Version(row.floor) < Version(row.latest) else "ok"


def _raised(one: Dependency) -> str:
    """The line with `>=LATEST` for its lower bound; other bounds, extras and markers stay."""
    if one.floor:
        bound = rf"(>=|~=|==)(\s*){re.escape(one.floor)}(?![\w.])"
        return re.sub(bound, rf"\g<1>\g<2>{one.latest}", one.requirement, count=1)
    head = re.match(r"\s*[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?", one.requirement)
    assert head is not None  # it was parsed as a requirement
    rest = one.requirement[head.end() :]
    comma = "," if rest.lstrip()[:1] in set("<>=!~") else ""
    return f"{head[0].rstrip()}>={one.latest}{comma}{rest}"


def _key(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _locked(folder: Path) -> dict[str, str]:
    """Versions of the first lock file that is there: uv, Poetry, PDM, or PEP 751."""
    for name in _LOCKS:
        path = folder / name
        if path.is_file():
            data = _load(path)
            rows = data.get("package", data.get("packages", []))
            return {
                _key(str(row.get("name", ""))): str(row.get("version", "")) for row in rows if isinstance(row, dict)
            }
    return {}


def _python(data: Mapping[str, Any]) -> str:
    match = re.search(r">=\s*(\d+\.\d+)", str(data.get("project", {}).get("requires-python", "")))
    return match[1] if match else f"{sys.version_info[0]}.{sys.version_info[1]}"


def _latest(app: AppContext, names: Sequence[str], python: str) -> dict[str, str]:
    """The newest release of each that this Python can install; names that no index knows are left out.

    One unknown name makes the whole answer fail, and the error says which: the others are asked for again.
    """
    left = list(names)
    while left:
        answer = _ask(app, left, python)
        if not isinstance(answer, str):
            return answer
        blamed = {_key(word) for word in re.findall(r"[A-Za-z0-9._-]*[A-Za-z0-9]", answer)}
        known = [name for name in left if _key(name) not in blamed]
        if len(known) == len(left) or _NO_NETWORK.search(answer):
            raise NetworkError(
                f"the package index does not answer: {answer.strip().splitlines()[-1]}",
                hint="check the network, and the index in pip.conf or uv.toml",
            )
        left = known
    return {}


def _ask(app: AppContext, names: Sequence[str], python: str) -> dict[str, str] | str:
    """Versions by name, or what uv or pip said on failing."""
    uv = shutil.which("uv", path=app.env.get("PATH"))
    if uv:
        options = ["--quiet", "--no-deps", "--no-header", "--no-annotate", "--python-version", python]
        command = [uv, "pip", "compile", *options, "-"]
    else:
        options = ["--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:", "--report=-"]
        command = [sys.executable, "-m", "pip", "install", *options, "--python-version", python, "--target=.", *names]
    try:
        done = subprocess.run(
            command,
            input="\n".join(names),
            capture_output=True,
            text=True,
            env=dict(app.env),
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NetworkError(f"the package index cannot be asked: {command[0]}", hint="install uv or pip") from None
    if done.returncode:
        return done.stderr or f"exit code {done.returncode}"
    if uv:
        return {_key(match[1]): match[2] for match in re.finditer(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE)}
    rows = json.loads(done.stdout)["install"]
    return {_key(row["metadata"]["name"]): str(row["metadata"]["version"]) for row in rows}
