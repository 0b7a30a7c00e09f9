"""What a user asks to be installed: a name, a folder, a wheel or a git address. Names are taken literally."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.installers import canonical

Source: TypeAlias = Literal["name", "wheel", "folder", "git"]
_HINT = "give a name (opsvi-thing, opsvi-thing==1.2), ./a/folder, a wheel, or git+https://host/repository@tag"


@dataclass(frozen=True, slots=True)
class Asked:
    """`requirement` is what an installer is given: `opsvi-thing>=1`, an absolute path, `git+URL@COMMIT`."""

    text: str
    """As it was typed."""
    source: Source
    requirement: str

    @property
    def path(self) -> Path:
        """Of a wheel or folder."""
        return Path(self.requirement)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of installers that are passed on, as far as the installer has them."""

    find_links: tuple[str, ...] = ()
    index_url: str = ""
    no_index: bool = False
    upgrade: bool = False
    pre: bool = False

    def resolved(self, cwd: str) -> Options:
        """Folders by their absolute paths: the installer may run elsewhere, and uv and pipx write them down."""
        links = (str(Path(cwd, link).resolve()) if Path(cwd, link).is_dir() else link for link in self.find_links)
        return replace(self, find_links=tuple(links))

    def of_pip(self) -> list[str]:
        """As `pip install` and `uv pip install` both take them; without `upgrade`, which they understand apart."""
        found = [word for link in self.find_links for word in ("--find-links", link)]
        if self.index_url:
            found += ["--index-url", self.index_url]
        return found + ["--no-index"] * self.no_index


def read_asked(text: str, cwd: str) -> Asked:
    """Understand one argument. Raises UsageError for what is none of the four, or opsvi itself."""
    if not text.strip() or text.startswith("-") or not text.isprintable():
        raise UsageError(f"{text[:80]!r} cannot be installed", hint=_HINT)
    if text.startswith("git+") or re.match(r"(https?|ssh|git)://[^ ]+\.git(@[^/]+)?$", text):
        return Asked(text, "git", text if text.startswith("git+") else f"git+{text}")
    if re.match(r"[a-z][a-z+]*://", text):
        raise UsageError(f"{text[:80]} is no git address", hint="download it and give the file, or write git+https://…")
    if text.endswith(".whl") or text.startswith((".", "~", "/")) or "/" in text or "\\" in text:
        return _path(text, cwd)
    return _name(text)


def _path(text: str, cwd: str) -> Asked:
    path = Path(cwd, Path(text).expanduser()).resolve()
    if path.is_dir():
        return Asked(text, "folder", str(path))
    if path.is_file() and path.suffix == ".whl":
        return Asked(text, "wheel", str(path))
    if path.is_file():
        raise UsageError(f"{text} is neither a folder nor a wheel", hint="unpack it and give the folder")
    if text.endswith("]") and Path(cwd, Path(text.partition("[")[0]).expanduser()).is_dir():
        raise UsageError(
            f"{text}: extras go with a name, not with a folder",
            hint=f"opsvi plugins install {text.partition('[')[0]}, then pip install '{text}' in opsvi's environment",
        )
    raise UsageError(f"there is no {text}", hint=_HINT)


def _name(text: str) -> Asked:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UsageError(f"{text[:80]!r} is no name of a distribution", hint=_HINT) from None
    if requirement.url:
        raise UsageError(f"{text[:80]!r}: give the address alone", hint=_HINT)
    if canonical(requirement.name) == "opsvi":
        raise UsageError("opsvi itself is no plugin of opsvi", hint="upgrade it the way it was installed")
    return Asked(text, "name", str(requirement))


def split_git(requirement: str) -> tuple[str, str, str]:
    """(address, revision, subdirectory) of `git+URL[@REVISION][#subdirectory=PATH]`. Raises OpsviError."""
    address, _, fragment = requirement.removeprefix("git+").partition("#")
    subdirectory = ""
    for pair in filter(None, fragment.split("&")):
        key, _, value = pair.partition("=")
        if key != "subdirectory":
            raise UsageError(f"{requirement}: #{key} is not understood", hint="#subdirectory=PATH")
        subdirectory = value
    scheme, _, rest = address.partition("://")
    if not rest or rest.startswith("-") or scheme not in ("https", "http", "ssh", "git", "file"):
        raise UsageError(f"{requirement} is no git address", hint="git+https://host/repository@tag")
    host, slash, path = rest.partition("/")
    path, _, revision = path.partition("@")
    if revision.startswith("-") or ".." in Path(subdirectory).parts or Path(subdirectory).is_absolute():
        raise OpsviError(f"{requirement} is no git address", hint="git+https://host/repository@tag")
    return f"{scheme}://{host}{slash}{path}", revision, subdirectory
