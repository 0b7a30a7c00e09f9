"""`opsvi new-library` beside other generators: CPU time, and whether what they make is green.

    python benchmarks/scaffold/run.py [--rounds 7] [--keep FOLDER]

Needs uv, which installs the others into environments of their own; copier and cookiecutter make the same files as
opsvi, from a template that is made of them here; the others bring their own. Rounds are interleaved, the median is
taken, and bytecode is compiled first. Then each project is installed with its own test dependencies, or the usual
tools, and tested, linted, formatted, typed and built.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cpu import cpu_ms  # beside the folder of this script

NAME, PACKAGE = "tide-pool", "tide_pool"
WORDS = {
    "tide_pool": "package",
    "tide-pool": "name",
    "TidePool": "class_name",
    "TIDE_POOL": "prefix",
    "Tide Pool": "title",
}
PEERS = {"copier": "copier", "cookiecutter": "cookiecutter", "pyscaffold": "pyscaffold", "hatch": "hatch"}
TOOLS = ["pytest", "ruff", "mypy", "build"]
Command = Callable[[Path], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a folder for environments and projects, to look at them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        env = environment(work)
        generators = prepare(work, env)
        measure(work, env, generators, options.rounds)
        print()
        for name in generators:
            print(f"{name:<28} {grade(work / 'projects' / slug(name), work, env)}")


def environment(work: Path) -> dict[str, str]:
    """A home of its own, compiled bytecode, and a git that knows who commits: some generators ask it."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    home = work / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[user]\nname = Ana Novak\nemail = ana@example.org\n")
    cache = kept.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    return {**kept, "HOME": str(home), "OPSVI_HOME": str(home / "opsvi"), "UV_CACHE_DIR": cache}


def prepare(work: Path, env: dict[str, str]) -> dict[str, Command]:
    """Install the peers and make their templates; each generator as a command that writes below a folder."""
    bins = {}
    for name, distribution in PEERS.items():
        venv = work / "venvs" / name
        if not venv.exists():
            subprocess.run(["uv", "venv", "-q", venv], check=True, env=env)
            python = venv / "bin" / "python"
            install = ["uv", "pip", "install", "-q", "--compile-bytecode", "-p", python, distribution]
            subprocess.run(install, check=True, env=env)
        bins[name] = venv / "bin"
    opsvi = str(Path(sys.executable).with_name("opsvi"))
    source = work / "source"
    shutil.rmtree(source, ignore_errors=True)
    subprocess.run(
        [opsvi, "new-library", NAME, "--feature", "gauge", "--no-input", "-q", "--into", source],
        check=True, env=env, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    copier, cookie = templates(work, source / NAME)
    return {
        "opsvi new-library": lambda into: [
            opsvi, "new-library", NAME, "--feature", "gauge", "--no-input", "-q", "--into", str(into)
        ],
        "copier, same files": lambda into: [
            str(bins["copier"] / "copier"), "copy", "--defaults", "--quiet", str(copier), str(into / NAME)
        ],
        "cookiecutter, same files": lambda into: [
            str(bins["cookiecutter"] / "cookiecutter"), "--no-input", "--output-dir", str(into), str(cookie)
        ],
        "pyscaffold (putup)": lambda into: [str(bins["pyscaffold"] / "putup"), "--no-config", str(into / NAME)],
        "hatch new": lambda into: [str(bins["hatch"] / "hatch"), "new", NAME, str(into / NAME)],
        "uv init --lib": lambda into: [shutil.which("uv") or "uv", "init", "--lib", "-q", str(into / NAME)],
    }  # fmt: skip


def templates(work: Path, project: Path) -> tuple[Path, Path]:
    """The project as a template of copier and of cookiecutter: names become variables, braces stay what they are."""
    copier, cookie = work / "copier-template", work / "cookie-template"
    for folder in (copier, cookie):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    values = {variable: word for word, variable in WORDS.items()}
    (copier / "copier.yml").write_text(
        "".join(f"{key}:\n  type: str\n  default: {text}\n" for key, text in values.items())
    )
    lines = ",\n".join(f'  "{key}": "{text}"' for key, text in values.items())
    (cookie / "cookiecutter.json").write_text(f"{{\n{lines}\n}}\n")
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        inside = path.relative_to(project).as_posix()
        write(copier / f"{named(inside, '')}.jinja", path, "")
        write(cookie / "{{ cookiecutter.name }}" / named(inside, "cookiecutter."), path, "cookiecutter.")
    return copier, cookie


def named(text: str, prefix: str) -> str:
    return re.sub("|".join(WORDS), lambda match: f"{{{{ {prefix}{WORDS[match[0]]} }}}}", text)


def write(place: Path, source: Path, prefix: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    pieces = re.split(r"(\{\{|\}\}|\{%|%\}|\{#|#\})", source.read_text(encoding="utf-8"))
    text = "".join(f"{{{{ '{piece}' }}}}" if n % 2 else named(piece, prefix) for n, piece in enumerate(pieces))
    place.write_text(text, encoding="utf-8")


def slug(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-")


def measure(work: Path, env: dict[str, str], generators: dict[str, Command], rounds: int) -> None:
    opsvi = str(Path(sys.executable).with_name("opsvi"))
    times: dict[str, list[float]] = {name: [] for name in ("python -c pass", "opsvi --version", *generators)}
    for _ in range(rounds + 1):  # the first one warms up and is left out
        times["python -c pass"].append(cpu_ms([sys.executable, "-c", "pass"], env, work))
        times["opsvi --version"].append(cpu_ms([opsvi, "--version"], env, work))
        for name, command in generators.items():
            into = work / "projects" / slug(name)
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir(parents=True)
            times[name].append(cpu_ms(command(into), env, work))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    for name, median in medians.items():
        over = median - medians["opsvi --version"]
        bare = median / medians["python -c pass"]
        print(f"{name:<28} {median:8.1f} ms CPU {bare:7.1f} x   {over:+8.1f} ms over opsvi --version")


def grade(folder: Path, work: Path, env: dict[str, str]) -> str:
    """What each check says of the project in `folder`."""
    project = next(path for path in (folder / NAME, folder / PACKAGE) if path.is_dir())
    files = sum(1 for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)
    venv = Path(tempfile.mkdtemp(prefix="venv-", dir=work))
    python = str(venv / "bin" / "python")
    subprocess.run(["uv", "venv", "-q", "--clear", venv], check=True, env=env)
    groups = "[dependency-groups]" in (project / "pyproject.toml").read_text()
    wanted = ["--group", "dev"] if groups else TOOLS
    extras = "testing =" in (project / "setup.cfg").read_text() if (project / "setup.cfg").exists() else False
    source = project / "src" if (project / "src").is_dir() else project / PACKAGE
    steps = {
        "install": ["uv", "pip", "install", "-q", "-p", python, "-e", ".[testing]" if extras else ".", *wanted],
        "tests": [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        "ruff": [python, "-m", "ruff", "check", "-q", "."],
        "format": [python, "-m", "ruff", "format", "-q", "--check", "."],
        "mypy --strict": [python, "-m", "mypy", "--strict", str(source)],
        "build": [python, "-m", "build", "--installer", "uv", "--outdir", str(venv / "dist")],
    }
    found = [f"{files} files"]
    for name, command in steps.items():
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
        if name == "tests":
            passed = re.search(r"(\d+) passed", done.stdout)
            found.append(f"tests {passed[1] if passed else 'none'}{'' if done.returncode in (0, 5) else ' FAIL'}")
        else:
            found.append(f"{name} {'ok' if done.returncode == 0 else 'FAIL'}")
    shutil.rmtree(venv)
    return "  ".join(found)


if __name__ == "__main__":
    main()
