"""Models of the library sentence-transformers: where they are, and how they are loaded.

PyTorch is imported when a model is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from opsvi_cli.sdk import NetworkError, NotFoundError, PluginError, Services, UsageError

_SETTING = "parts.sentence-transformers"


class Weights:
    """The model that the option `setting` names, a folder or a name on the hub; options `revision_setting`, `device`.

    `folder` is None for a name. Raises UsageError when no model is named, NotFoundError for a folder that is not there.
    """

    def __init__(self, services: Services, setting: str, revision_setting: str) -> None:
        self._services = services
        self._setting = setting
        self.name = _text_option(services, setting)
        if not self.name:
            raise UsageError(
                f"sentence-transformers needs a model: {setting}", hint=f"opsvi config set {_SETTING}.{setting} FOLDER"
            )
        self.revision = _text_option(services, revision_setting) or None
        self._device = _text_option(services, "device") or None
        self.folder = self._folder()

    def _folder(self) -> Path | None:
        """The folder that the name is; None for a name on the hub, which is `model` or `owner/model`."""
        path = Path(self.name).expanduser()
        if path.is_dir():
            return path.resolve()
        if path.is_absolute() or self.name.startswith(("~", ".")) or self.name.count("/") > 1:
            raise NotFoundError(
                f"there is no folder {self.name}", hint=f"opsvi config set {_SETTING}.{self._setting} FOLDER"
            )
        return None

    def load(self, kind: Literal["SentenceTransformer", "CrossEncoder"]) -> Any:
        """The library's object. Raises NetworkError for a name that cannot be fetched, PluginError for a bad model."""
        library = _library(offline=self.folder is not None)
        self._services.log.debug("loading %s", self.name)
        try:
            return getattr(library, kind)(
                str(self.folder) if self.folder else self.name,
                device=self._device,
                revision=self.revision,
                local_files_only=self.folder is not None,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except OSError as error:
            if self.folder is None:
                raise NetworkError(
                    f"model {self.name!r} is not here and cannot be fetched: {_first_line(error)}",
                    hint=f"put the model in a folder: opsvi config set {_SETTING}.{self._setting} FOLDER",
                ) from error
            raise PluginError(
                f"{self.folder} holds no model that can be read: {_first_line(error)}",
                hint="it needs config.json and weights as safetensors",
            ) from error
        except (ValueError, KeyError, RuntimeError) as error:
            raise PluginError(
                f"model {self.name!r} cannot be loaded: {_first_line(error)}",
                hint="it may be damaged, or need another version of sentence-transformers",
            ) from error


def batch_size(services: Services) -> int:
    """The option of that name: texts at once. Raises UsageError."""
    value = services.options.get("batch_size", 32)
    # A value from the environment is text.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        key = f"{_SETTING}.batch_size"
        raise UsageError(f"{key}: {value!r} is no number of texts", hint=f"opsvi config set {key} 32")
    return number


def _text_option(services: Services, key: str) -> str:
    value = services.options.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{_SETTING}.{key}: {value!r} is not text", hint=f"opsvi config set {_SETTING}.{key} TEXT")
    return value


def _library(*, offline: bool) -> Any:
    """The sentence_transformers module, told to be quiet and, for a folder, to stay off the network."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import sentence_transformers
        from transformers.utils import logging
    except ImportError as error:
        raise PluginError(
            f"sentence-transformers cannot be imported: {_first_line(error)}",
            hint="pip install sentence-transformers, into the environment of opsvi",
        ) from error
    logging.disable_progress_bar()
    return sentence_transformers


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
