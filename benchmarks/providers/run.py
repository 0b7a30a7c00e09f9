"""What the layers around a model cost: start, and a long stream, as ratios to doing it without opsvi.

    python benchmarks/providers/run.py [--rounds 9] [--chunks 10000] [--llm PATH]

`--llm` is the program of a peer, measured in the same rounds; it gets a model that points at the same local server.
CPU time, user and system, of whole processes; the median of interleaved rounds. Targets: `prompt -m echo/echo` at most
35 x `python -c pass`, a stream at most 1.3 x the openai SDK alone, at most 1 ms of opsvi's own a chunk.
"""

from __future__ import annotations

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import opsvi_cli

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cpu import cpu_ms  # beside the folder of this script

HERE = Path(__file__).resolve().parent
FEW = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--llm", default="", help="the program `llm`, if it is to be measured too")
    options = parser.parse_args()
    compileall.compile_dir(str(Path(opsvi_cli.__file__).parent), quiet=2)
    server = subprocess.Popen(
        [sys.executable, str(HERE / "stream_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder:
            times = measure(options, port, Path(folder))
    finally:
        server.kill()
        server.wait()
    report(times, options.chunks)


def measure(options: argparse.Namespace, port: str, folder: Path) -> dict[str, float]:
    """Median CPU milliseconds of each command."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {"OPSVI_HOME": str(folder / "home"), "LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "sk-none"}
    opsvi = str(Path(sys.executable).with_name("opsvi"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "opsvi prompt -m echo/echo": [opsvi, "prompt", "hi", "-m", "echo/echo"],
    }
    models = []
    for count in (FEW, options.chunks):
        url = f"http://127.0.0.1:{port}/{count}/v1"
        commands[f"openai SDK, {count} chunks"] = [sys.executable, str(HERE / "bare_loop.py"), url]
        commands[f"opsvi, {count} chunks"] = [opsvi, "prompt", "hi", "-m", "openai/m", "--base-url", url]
        models.append(f"- model_id: m{count}\n  model_name: m\n  api_base: {url}\n  api_key_name: none\n")
        if options.llm:
            commands[f"llm, {count} chunks"] = [options.llm, "-m", f"m{count}", "--key", "none", "hi"]
    (folder / "extra-openai-models.yaml").write_text("".join(models))
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            times[name].append(cpu_ms(command, env, folder))
    return {name: statistics.median(values) for name, values in times.items()}


def report(times: dict[str, float], chunks: int) -> None:
    bare = times["python -c pass"]
    for name, milliseconds in times.items():
        print(f"{name:<32} {milliseconds:9.1f} ms CPU {milliseconds / bare:7.1f} x python -c pass")
    alone = times[f"openai SDK, {chunks} chunks"]
    alone_few = times[f"openai SDK, {FEW} chunks"]
    for who in ("opsvi", "llm"):
        if f"{who}, {chunks} chunks" not in times:
            continue
        whole, few = times[f"{who}, {chunks} chunks"], times[f"{who}, {FEW} chunks"]
        own = ((whole - few) - (alone - alone_few)) / (chunks - FEW)
        print(f"{who}: {whole / alone:.2f} x the SDK alone for {chunks} chunks; {own * 1000:.0f} us of its own a chunk")


if __name__ == "__main__":
    main()
