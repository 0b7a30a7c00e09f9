"""CPU time of short commands, as ratios to `python -c pass` of the same run.

    python benchmarks/startup/run.py [--rounds 15] [--peer "llm --version"]...

Rounds are interleaved, the median is taken, bytecode is compiled first. Targets: `--version` 1.6, TAB 2, `--help` 15,
`collections list` 30.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import opsvi_cli

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cpu import cpu_ms  # beside the folder of this script

OWN = {
    "opsvi --version": ["--version"],
    "opsvi __complete collections (TAB)": ["__complete", "collections"],
    "opsvi --help": ["--help"],
    "opsvi search --help": ["search", "--help"],
    "opsvi config get model": ["config", "get", "model"],
    "opsvi collections list": ["collections", "list"],
    "opsvi search --mode keyword": ["search", "backups", "--mode", "keyword"],
    "opsvi search": ["search", "backups"],
    "opsvi query": ["query", "How long are backups kept?"],
    "opsvi prompt -m echo": ["prompt", "hi", "-m", "echo"],
    "opsvi ingest (unchanged)": ["ingest", "docs"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peer", action="append", default=[], help="another command to measure in the same run")
    options = parser.parse_args()
    compileall.compile_dir(str(Path(opsvi_cli.__file__).parent), quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder) / "docs"
        docs.mkdir()
        (docs / "backup.md").write_text("# Backup\n\nBackups are kept for ninety days.\n")
        env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        env["OPSVI_HOME"] = str(Path(folder) / "home")
        opsvi = str(Path(sys.executable).with_name("opsvi"))
        subprocess.run([opsvi, "ingest", "docs", "-q"], env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        commands = {"python -c pass": [sys.executable, "-c", "pass"]}
        commands |= {name: [opsvi, *args] for name, args in OWN.items()}
        commands |= {peer: shlex.split(peer) for peer in options.peer}
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                times[name].append(cpu_ms(command, env, folder))
    bare = statistics.median(times["python -c pass"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<38} {median:8.1f} ms CPU {median / bare:7.1f} x")


if __name__ == "__main__":
    main()
