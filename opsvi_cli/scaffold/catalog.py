"""What there is to choose from: templates, features, and the recipe of one feature as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .create import variables
from .manifest import Feature, TemplateError, read_manifest
from .render import render
from .templates import KINDS, PACKAGED, all_features, feature_files, find_features, plugin_folder

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

TEMPLATE_FIELDS = ("name", "origin", "version", "summary")
FEATURE_FIELDS = ("name", "summary", "library", "url", "requires", "dependencies")
RECIPE_FIELDS = ("name", "summary", "library", "url", "dependencies", "dev_dependencies", "requires", "files")
_SAMPLE = "my-library"
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".md": "markdown"}


def template_rows(app: AppContext) -> list[dict[str, Any]]:
    """The packaged templates, then those of plugins; one that cannot be read says why in its summary."""
    rows = [(kind, "built-in", PACKAGED / kind) for kind in KINDS]
    found = []
    for name, origin, root in rows:
        manifest = read_manifest(root)
        found.append({"name": name, "origin": origin, "version": manifest.version, "summary": manifest.summary})
    for part in app.plugins.registry.parts("template"):
        try:
            manifest = read_manifest(plugin_folder(part))
            version, summary = manifest.version, manifest.summary
        except TemplateError as error:
            version, summary = "", f"broken: {error.message}"
        row = {"name": f"plugin:{part.name}", "origin": part.plugin, "version": version, "summary": summary}
        found.append(row)
    return found


def feature_rows() -> list[dict[str, Any]]:
    """Everything that `--with` knows, by name."""
    return [{name: row[name] for name in FEATURE_FIELDS} for row in map(_row, all_features())]


def _row(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "summary": feature.summary,
        "library": feature.library,
        "url": feature.url,
        "dependencies": list(feature.dependencies),
        "dev_dependencies": list(feature.dev_dependencies),
        "requires": list(feature.requires),
    }


def recipe(name: str) -> dict[str, Any]:
    """What `--with NAME` adds to a library: the same files as the generator writes. Raises UsageError."""
    features = find_features([name], PACKAGED)
    scope = variables(_SAMPLE, (), features, read_manifest(PACKAGED / "library").defaults)
    added = render([feature_files(PACKAGED, one) for one in features], scope)
    (feature,) = [one for one in features if one.name == name]
    files = [{"path": file.path, "text": file.data.decode("utf-8", "replace")} for file in added]
    return {**_row(feature), "files": files}


def recipe_text(record: dict[str, Any]) -> str:
    """The recipe as Markdown: what it is, what it needs, every file."""
    lines = [f"# {record['name']}", "", f"{record['summary']}, on {record['library']} ({record['url']}).", ""]
    lines += [f"    opsvi new-library NAME --with {record['name']}", ""]
    for title, key in (("Needs", "dependencies"), ("For its tests", "dev_dependencies"), ("Builds on", "requires")):
        if record[key]:
            lines += [f"{title}: {', '.join(record[key])}", ""]
    for file in record["files"]:
        text = file["text"].rstrip("\n")
        fence = "````" if "```" in text else "```"
        language = _LANGUAGES.get(Path(file["path"]).suffix, "text")
        lines += [f"## {file['path']}", "", f"{fence}{language}", text, fence, ""]
    return "\n".join(lines)
