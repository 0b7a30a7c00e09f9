"""What is known of a plugin that is there, beside its report: how it was installed, its licence, what it asks for."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.paths import Paths
from opsvi_cli.foundation.terminal import plain

from .install.record import read_record
from .installers import canonical
from .manifest import Manifest, find_manifest, installed_manifest
from .reports import PluginReport


@dataclass(frozen=True, slots=True)
class Details:
    """`permissions` is None where there is no manifest; `requirement` is empty where nobody wrote it down."""

    requirement: str = ""
    license: str = ""
    permissions: tuple[str, ...] | None = None


def details_of(report: PluginReport, paths: Paths) -> Details:
    """Read from metadata and files; nothing of the plugin runs. Never raises."""
    if report.origin == "built-in":
        return Details(license="MIT", permissions=())
    try:
        recorded = {each.name: each for each in read_record(paths)}
    except OpsviError:
        recorded = {}
    name = canonical(report.distribution)
    folder = _site(report.python) if report.python is not None else None
    manifest = _manifest(report, folder)
    return Details(
        requirement=recorded[name].requirement if name in recorded else "",
        license=_license(name, folder) if report.origin in ("distribution", "isolated") else "",
        permissions=manifest.permissions if manifest.there else None,
    )


def _site(python: Path) -> Path:
    """Where the distributions of an isolated plugin are, told by its interpreter."""
    base = str(python.parent.parent)
    return Path(sysconfig.get_path("purelib", "venv", {"base": base, "platbase": base}))


def _manifest(report: PluginReport, folder: Path | None) -> Manifest:
    if folder is None:
        return installed_manifest(report.target)

    def read(place: str) -> bytes | None:
        try:
            return (folder / place).read_bytes()
        except OSError:
            return None

    return find_manifest(report.target, read)


def _license(name: str, folder: Path | None) -> str:
    """The first licence that the metadata states, in one line."""
    for distribution in distributions() if folder is None else distributions(path=[str(folder)]):
        try:
            if canonical(str(distribution.metadata["Name"])) == name:
                return _stated(distribution)
        except Exception:  # noqa: BLE001, S112  # METADATA is missing or damaged
            continue
    return ""


def _stated(distribution: Distribution) -> str:
    metadata = distribution.metadata
    stated = str(metadata["License-Expression"] or metadata["License"] or "").strip()
    if not stated:
        classified = [str(each) for each in metadata.get_all("Classifier") or [] if str(each).startswith("License :: ")]
        stated = ", ".join(each.rpartition(" :: ")[2] for each in classified)
    return " ".join(plain(stated).split())[:100]
