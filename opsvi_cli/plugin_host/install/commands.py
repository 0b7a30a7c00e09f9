"""The commands of each installer: argument lists, never a shell, never pip inside this process.

Each keeps opsvi as it is. pip, `uv pip` and pipx are held to its version by a constraint. What uv writes into the
receipt of a tool stays there, and a pin would end all later upgrades; so there a trial run with the constraint comes
first, and the command itself repeats the receipt with the plugin added.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.plugin_host.installers import Step, canonical

from .asked import Options
from .where_opsvi_lives import UV_RECEIPT, Installation


@dataclass(frozen=True, slots=True)
class Target:
    """A distribution to install: its canonical name and what the installer is given."""

    name: str
    requirement: str


def install_steps(
    home: Installation, targets: Sequence[Target], options: Options, pin: Path, present: frozenset[str]
) -> list[Step]:
    """Commands that add `targets`. `pin` is a constraints file with opsvi's version; `present` what is there now."""
    requirements = [target.requirement for target in targets]
    if home.kind == "uv-tool":
        return _uv_tool_install(home, targets, options, pin)
    if home.kind == "pipx":
        return list(_pipx_install(home, targets, options, pin, present))
    if home.kind == "uv":
        return [Step((*_uv_pip(home, "install"), *_uv_options(options, targets), "-c", str(pin), *requirements))]
    user = ("--user",) if home.python.user else ()
    return [Step((*_pip(home, "install"), *user, *_pip_options(options), "-c", str(pin), *requirements))]


def uninstall_steps(home: Installation, names: Sequence[str]) -> list[Step]:
    """Commands that remove distributions, by their canonical names."""
    if home.kind == "uv-tool":
        kept = [item for item in _receipt(home) if canonical(str(item.get("name", ""))) not in names]
        return [_uv_tool(home, kept, [], Options())]
    if home.kind == "pipx":
        injected = home.receipt.get("injected_packages", {})
        return [
            Step((home.tool, "uninject", home.python.prefix.name, name), _pipx_home(home))
            if name in injected
            else Step((home.tool, "runpip", home.python.prefix.name, "uninstall", "-y", name), _pipx_home(home))
            for name in names
        ]
    if home.kind == "uv":
        return [Step((*_uv_pip(home, "uninstall"), *names))]
    return [Step((*_pip(home, "uninstall"), "--yes", *names))]


def fetch_step(home: Installation, requirement: str, options: Options, folder: Path, uv: str) -> Step | None:
    """A command that brings the wheel of `requirement` alone into `folder`, running none of its code.

    pip leaves a wheel there, uv an unpacked one. None when there is neither.
    """
    if home.python.has_pip:
        word = ("download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder))
        return Step((*_pip(home, *word), *options.of_pip(), *["--pre"] * options.pre, requirement))
    if uv:
        argv = [uv, "pip", "install", "--quiet", "--python", home.python.executable, "--no-deps", "--no-build"]
        pre = ["--prerelease", "allow"] * options.pre
        return Step((*argv, "--target", str(folder), *options.of_pip(), *pre, requirement))
    return None


def isolated_options(options: Options) -> list[str]:
    """What `pip install` and `uv pip install` take alike, for an environment that is new."""
    return options.of_pip() + ["--pre"] * options.pre


# pip and `uv pip`


def _pip(home: Installation, *words: str) -> tuple[str, ...]:
    return (home.python.executable, "-m", "pip", *words, "--disable-pip-version-check", "--no-input")


def _pip_options(options: Options) -> list[str]:
    return options.of_pip() + ["--upgrade"] * options.upgrade + ["--pre"] * options.pre


def _uv_pip(home: Installation, word: str) -> tuple[str, ...]:
    return (home.tool, "pip", word, "--python", home.python.executable)


def _uv_options(options: Options, targets: Sequence[Target]) -> list[str]:
    upgrades = [word for target in targets for word in ("--upgrade-package", target.name)] if options.upgrade else []
    return options.of_pip() + upgrades + ["--prerelease", "allow"] * options.pre


# uv tool


def _uv_tool_install(home: Installation, targets: Sequence[Target], options: Options, pin: Path) -> list[Step]:
    names = {target.name for target in targets}
    kept = [item for item in _receipt(home) if canonical(str(item.get("name", ""))) not in names]
    requirements = [target.requirement for target in targets]
    trial = Step(
        (*_uv_pip(home, "install"), "--dry-run", *_uv_options(options, targets), "-c", str(pin), *requirements),
        trial=True,
    )
    return [trial, _uv_tool(home, kept, targets, options)]


def _receipt(home: Installation) -> list[dict[str, Any]]:
    found = home.receipt.get("requirements", [])
    entries = [{"name": item} if isinstance(item, str) else item for item in found]
    if not any(canonical(str(item.get("name", ""))) == "opsvi" for item in entries):
        raise OpsviError("the receipt of uv does not name opsvi", hint="uv tool install --force opsvi")
    return entries


def _uv_tool(
    home: Installation, entries: Sequence[Mapping[str, Any]], targets: Sequence[Target], options: Options
) -> Step:
    """`uv tool install` with all that the receipt says, so that only what is asked for changes."""
    argv = [home.tool, "tool", "install"]
    if python := home.receipt.get("python"):
        argv += ["--python", str(python)]
    argv += _receipt_options(home.receipt.get("options", {}), options)
    if options.upgrade:
        argv += [word for target in targets for word in ("--upgrade-package", target.name)]
    for entry in entries:
        editable, requirement = requirement_of(entry)
        if canonical(str(entry["name"])) == "opsvi":
            argv += ["--editable"] * editable + [requirement]
        else:
            argv += ["--with-editable" if editable else "--with", requirement]
    argv += [word for target in targets for word in ("--with", target.requirement)]
    return Step(tuple(argv), _uv_tool_home(home))


def _uv_tool_home(home: Installation) -> dict[str, str]:
    env = {"UV_TOOL_DIR": str(home.python.prefix.parent)}
    for point in home.receipt.get("entrypoints", []):
        if isinstance(point, dict) and point.get("name") == "opsvi" and point.get("install-path"):
            env |= {"UV_TOOL_BIN_DIR": str(Path(point["install-path"]).parent)}
    return env


def settle_receipt(home: Installation, options: Options) -> None:
    """Take a `--no-index` of this run alone out of uv's receipt: later installs and upgrades need the index again."""
    if home.kind != "uv-tool" or not options.no_index or home.receipt.get("options", {}).get("no-index"):
        return
    import tomlkit

    path = home.python.prefix / UV_RECEIPT
    receipt = tomlkit.parse(path.read_text("utf-8"))
    written: Any = receipt["tool"]
    written.get("options", {}).pop("no-index", None)
    write_atomic(path, tomlkit.dumps(receipt), mode=path.stat().st_mode & 0o777)


def _receipt_options(written: Mapping[str, Any], options: Options) -> list[str]:
    """Index options of the receipt with those of this run over them."""
    links = [str(link) for link in written.get("find-links", [])]
    argv = [word for link in dict.fromkeys([*links, *options.find_links]) for word in ("--find-links", link)]
    for index in written.get("index", []):
        if isinstance(index, dict) and index.get("url"):
            flag = "--default-index" if index.get("default") else "--index"
            if not (index.get("default") and options.index_url):
                argv += [flag, str(index["url"])]
    if options.index_url:
        argv += ["--default-index", options.index_url]
    if written.get("no-index") or options.no_index:
        argv.append("--no-index")
    prerelease = "allow" if options.pre else written.get("prerelease")
    return argv + (["--prerelease", str(prerelease)] if prerelease else [])


def requirement_of(entry: Mapping[str, Any]) -> tuple[bool, str]:
    """(editable, requirement) of an entry of a receipt. Raises OpsviError for a form that is not known."""
    name = str(entry["name"])
    extras = f"[{','.join(map(str, entry['extras']))}]" if entry.get("extras") else ""
    marker = f" ; {entry['marker']}" if entry.get("marker") else ""
    if entry.get("editable"):
        return True, f"{entry['editable']}{extras}"
    for key in ("path", "directory"):
        if entry.get(key):
            return False, f"{name}{extras} @ {Path(str(entry[key])).absolute().as_uri()}{marker}"
    if entry.get("git"):
        return False, f"{name}{extras} @ git+{_git_address(str(entry['git']))}{marker}"
    if entry.get("url"):
        return False, f"{name}{extras} @ {entry['url']}{marker}"
    if set(entry) - {"name", "extras", "specifier", "marker", "version", "index"}:
        raise OpsviError(f"the receipt of uv says of {name} what opsvi does not understand", hint="run uv yourself")
    return False, f"{name}{extras}{entry.get('specifier', '')}{marker}"


def _git_address(address: str) -> str:
    """uv writes `URL?rev=REVISION&subdirectory=PATH#COMMIT`; a requirement says `URL@REVISION#subdirectory=PATH`."""
    from urllib.parse import parse_qs, urlsplit, urlunsplit

    split = urlsplit(address)
    query = parse_qs(split.query)
    revision = next((query[key][0] for key in ("rev", "tag", "branch") if key in query), "")
    plain = urlunsplit((split.scheme, split.netloc, split.path, "", ""))
    where = f"#subdirectory={query['subdirectory'][0]}" if "subdirectory" in query else ""
    return plain + (f"@{revision}" if revision else "") + where


# pipx


def _pipx_install(
    home: Installation, targets: Sequence[Target], options: Options, pin: Path, present: frozenset[str]
) -> Iterator[Step]:
    """`inject` leaves what is there alone; to change it, pipx has to take it out first."""
    env = {**_pipx_home(home), "PIP_CONSTRAINT": str(pin), "UV_CONSTRAINT": str(pin)}
    injected = home.receipt.get("injected_packages", {})
    words = options.of_pip() + ["--pre"] * options.pre
    arguments = (f"--pip-args={shlex.join(words)}",) if words else ()
    for target in targets:
        if target.name in present and target.name in injected:
            yield Step((home.tool, "uninject", "--leave-deps", home.python.prefix.name, target.name), env)
        elif target.name in present:
            arguments = (*arguments, "--force")
        yield Step((home.tool, "inject", home.python.prefix.name, target.requirement, *arguments), env)


def _pipx_home(home: Installation) -> dict[str, str]:
    """The pipx that holds this environment, whatever the shell's own settings are."""
    return {"PIPX_HOME": str(home.python.prefix.parent.parent)}
