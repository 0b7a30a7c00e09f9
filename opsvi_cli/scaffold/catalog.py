"""What there is to choose from: templates, features, and the recipe of one feature as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .create import render_all
from .manifest import TemplateError, read_manifest
from .templates import KINDS, PACKAGED, Template, all_features, find_features, plugin_folder

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
    return [
        {
            "name": one.name,
            "summary": one.summary,
            "library": one.library,
            "url": one.url,
            "requires": list(one.requires),
            "dependencies": list(one.dependencies),
        }
        for one in all_features()
    ]


def recipe(name: str) -> dict[str, Any]:
    """What `--with NAME` adds to a library: the same files as the generator writes. Raises UsageError."""
    features = find_features([name], PACKAGED)
    root = PACKAGED / "library"
    template = Template("library", "built-in", root, read_manifest(root))
    answers = {question.name: question.default or "" for question in template.manifest.questions}
    plain = {file.path for file in render_all(template, _SAMPLE, (), (), answers)}
    files = render_all(template, _SAMPLE, (), features, answers)
    (feature,) = [one for one in features if one.name == name]
    added = [file for file in files if file.path not in plain and not file.path.endswith("/integrations/__init__.py")]
    return {
        "name": feature.name,
        "summary": feature.summary,
        "library": feature.library,
        "url": feature.url,
        "dependencies": list(feature.dependencies),
        "dev_dependencies": list(feature.dev_dependencies),
        "requires": list(feature.requires),
        "files": [{"path": file.path, "text": file.data.decode("utf-8", "replace")} for file in added],
    }


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
