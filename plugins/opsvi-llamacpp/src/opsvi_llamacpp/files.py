"""Which GGUF file a name means."""

from __future__ import annotations

import os
from pathlib import Path

from opsvi_cli.sdk import ProviderError, Services, UsageError

MAGIC = b"GGUF"
_MOST = 500


def models_folder(services: Services) -> Path | None:
    """The folder of the setting `models`."""
    folder = str(services.options.get("models") or "")
    return Path(folder).expanduser() if folder else None


def find_model(services: Services, name: str, setting: str = "") -> Path:
    """The file called `name`: a path, or a file of the models' folder with or without its suffix.

    `setting`: where a part's model is named, for the hint.
    Raises UsageError when no model is named, ProviderError (not-found, bad-response) for a file that is none.
    """
    if not name:
        place = f"opsvi config set parts.{services.name}.{setting} PATH" if setting else f"-m {services.name}/PATH"
        raise UsageError(f"{services.name}: no model is named", hint=f"{place}, or a name of the folder")
    folder = models_folder(services)
    places = [Path(os.getcwd(), name).expanduser()]
    if folder is not None:
        places += [folder / name, folder / f"{name}.gguf"]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        hint = f"opsvi models {services.name} lists those of {folder}" if folder else "check the path"
        raise ProviderError(f"{services.name}: there is no file {name!r}", kind="not-found", hint=hint)
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise ProviderError(f"{services.name}: {path}: {error.strerror}", kind="not-found", hint="check it") from error
    if magic != MAGIC:
        raise ProviderError(
            f"{services.name}: {path} is no GGUF file", kind="bad-response", hint="llama.cpp's tools convert models"
        )
    return path.resolve()


def list_files(services: Services) -> list[str]:
    """Names of the folder's models, without the suffix; the later pieces of a split model are left out."""
    folder = models_folder(services)
    if folder is None or not folder.is_dir():
        return []
    names = (str(path.relative_to(folder).with_suffix("")) for path in sorted(folder.rglob("*.gguf")))
    return [name for name in names if "-of-" not in name or "-00001-of-" in name][:_MOST]
