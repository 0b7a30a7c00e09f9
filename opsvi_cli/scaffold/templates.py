"""Where templates are: in the package, in plugins, in a folder, in a git repository. Finding one runs nothing of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from opsvi_cli.errors import NotFoundError, UsageError

from .manifest import FEATURE_FILE, Feature, Manifest, TemplateError, read_feature, read_manifest
from .render import walk

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.sdk import Part

Origin: TypeAlias = Literal["built-in", "plugin", "folder", "git"]
PACKAGED = Path(__file__).resolve().parent.parent / "templates"
KINDS = ("library", "plugin")
_GIT = re.compile(r"(?:git\+|git@|ssh://|git://)|.*\.git(?:@[^/]*)?(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Template:
    """A template that is at hand as a folder. `reference` finds it again: a name, an absolute path, or a URL."""

    reference: str
    origin: Origin
    root: Path
    manifest: Manifest
    commit: str = ""
    """Of a template in git: the commit it was taken from."""
    packaged: Path = PACKAGED
    """Where the features are that `--with` adds: beside the packaged templates of the same version."""

    @property
    def foreign(self) -> bool:
        """True when somebody else wrote it: its text is rendered in a process with limits, its hooks need trust."""
        return self.origin != "built-in"

    def folders(self, layer: str, features: Sequence[Feature]) -> list[Path]:
        """What is rendered: `files/`, the layer that an answer picked, and the features. Raises TemplateError."""
        found = [self.root / "files"]
        if layer:
            found.append(self.root / "layers" / layer)
        for folder in found:
            if folder.is_symlink() or not folder.is_dir():
                raise TemplateError(f"{self.root}: the template has no folder {folder.relative_to(self.root)}")
        return found + [feature_files(self.packaged, one) for one in features]

    def digest(self, features: Sequence[Feature]) -> str:
        """SHA-256 over the paths and bytes of the template and the features, hex."""
        total = hashlib.sha256()
        for folder in (self.root, *(self.packaged / "features" / one.name for one in features)):
            for path in walk(folder):
                data = path.read_bytes()
                total.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
        return total.hexdigest()


@contextlib.contextmanager
def open_template(app: AppContext, reference: str, commit: str = "") -> Iterator[Template]:
    """The template that `reference` names, as a folder that is there inside the `with`.

    A name is a packaged template or one of a plugin (`plugin:NAME`); anything with a slash is a folder; a URL is a git
    repository, `URL@REVISION#FOLDER`. Raises NotFoundError, TemplateError, GitError, UsageError.
    """
    if reference in KINDS:
        yield _at(PACKAGED / reference, reference, "built-in")
    elif _GIT.match(reference):
        with _clone(app, reference, commit) as template:
            yield template
    elif os.sep in reference or "/" in reference or reference in (".", ".."):
        root = Path(os.path.abspath(Path(app.cwd, reference).expanduser()))
        yield _at(root, str(root), "folder")
    else:
        yield _of_plugin(app, reference.removeprefix("plugin:"))


def _at(root: Path, reference: str, origin: Origin) -> Template:
    if not root.is_dir():
        raise NotFoundError(f"there is no folder {root}", hint="opsvi new-library --list-templates")
    return Template(reference, origin, root, read_manifest(root))


def _of_plugin(app: AppContext, name: str) -> Template:
    part = app.plugins.registry.find("template", name)
    if part is None:
        known = [*KINDS, *(f"plugin:{found.name}" for found in app.plugins.registry.parts("template"))]
        raise NotFoundError(
            f"there is no template {name!r}", hint=f"there are: {', '.join(known)}; a folder is given as ./{name}"
        )
    return _at(plugin_folder(part), f"plugin:{name}", "plugin")


def plugin_folder(part: Part) -> Path:
    """The folder that a plugin registered as `package:folder`. The package is found, not imported."""
    package, _, folder = part.target.partition(":")
    root = str(part.data.get("root") or "")  # of a plugin with an environment of its own
    if not root:
        spec = find_spec(package.partition(".")[0])
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            raise TemplateError(f"template {part.name!r}: there is no package {package!r}", hint="opsvi plugins list")
        root = os.path.join(places[0], *package.split(".")[1:])
    path = Path(root, folder).resolve()
    if not path.is_relative_to(Path(root).resolve()):
        raise TemplateError(f"template {part.name!r}: {folder!r} is outside of its package")
    return path


@contextlib.contextmanager
def _clone(app: AppContext, reference: str, commit: str) -> Iterator[Template]:
    from .git import git

    address, _, folder = reference.partition("#")
    url, revision = _split_revision(address.removeprefix("git+"))
    revision = commit or revision
    if url.startswith("-") or revision.startswith("-") or not re.match(r"(?:https|ssh|file)://|git@", url):
        raise UsageError(f"--template {reference}: not a git address", hint="git+https://HOST/OWNER/NAME@REVISION")
    with tempfile.TemporaryDirectory(prefix="opsvi-template-") as temporary:
        place = Path(temporary)
        options = ["-c", "core.symlinks=false", "-c", "protocol.ext.allow=never"]
        git([*options, "clone", "--quiet", "--no-checkout", "--", url, "clone"], cwd=place, env=app.env)
        clone = place / "clone"
        found = git(["rev-parse", "--verify", "--end-of-options", f"{revision or 'HEAD'}^{{commit}}"], cwd=clone)
        full = found.decode().strip()
        git([*options, "checkout", "--quiet", "--detach", full], cwd=clone)
        root = (clone / folder).resolve()
        if not root.is_relative_to(clone.resolve()):
            raise UsageError(f"--template {reference}: {folder!r} leaves the repository")
        yield replace(_at(root, f"git+{url}#{folder}" if folder else f"git+{url}", "git"), commit=full)


def _split_revision(address: str) -> tuple[str, str]:
    """(URL, revision): the revision stands after an @ in the last component."""
    head, slash, last = address.rpartition("/")
    name, _, revision = last.partition("@")
    return f"{head}{slash}{name}", revision


def feature_files(packaged: Path, feature: Feature) -> Path:
    """The folder of what a feature adds."""
    return packaged / "features" / feature.name / "files"


def all_features() -> list[Feature]:
    """Everything that `--with` knows, by name."""
    return [read_feature(PACKAGED / "features" / name) for name in _feature_names(PACKAGED)]


def _feature_names(packaged: Path) -> list[str]:
    return sorted(path.parent.name for path in (packaged / "features").glob(f"*/{FEATURE_FILE}"))


def find_features(names: Sequence[str], packaged: Path) -> list[Feature]:
    """The features called `names`, and those they build on, by name. Raises UsageError with a near name."""
    from difflib import get_close_matches

    known = _feature_names(packaged)
    found: dict[str, Feature] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "opsvi new-library --list-features"
            raise UsageError(f"--with: there is no feature {name!r}", hint=hint)
        found[name] = read_feature(packaged / "features" / name)
        waiting.extend(found[name].requires)
    return [found[name] for name in sorted(found)]
