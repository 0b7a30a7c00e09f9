"""The child: llama.cpp's HTTP server for one model. Says its address as a line of JSON, then serves.

It ends when its standard input does, which is when its parent ends; or, told to stay, after so many idle seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

BATCH_TOKENS = 2048
"""Of a text that is embedded or judged, where the setting `context` says nothing; a model made for less takes less."""


def main() -> None:
    """`python -m opsvi_llamacpp.serve`, the request as JSON on the first line of stdin."""
    import xllamacpp

    asked = json.loads(sys.stdin.readline())
    server = xllamacpp.Server(_parameters(asked))
    sys.stdout.write(json.dumps({"address": server.listening_address, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    if not asked["keep_alive"]:
        sys.stdin.read()
    else:
        _while_used(Path(asked["used"]), float(asked["keep_alive"]))
    # The server's own threads may be in the middle of an answer that nobody reads any more.
    os.kill(os.getpid(), signal.SIGTERM)


def _parameters(asked: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = asked["model"]
    params.model_alias = {"model"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [asked["key"]]
    params.n_ctx = asked["context"]
    params.n_parallel = asked["parallel"]
    params.n_gpu_layers = asked["gpu_layers"]
    params.use_jinja = True
    params.ui = False
    params.offline = True
    params.warmup = False
    params.verbosity = 0
    if asked["threads"]:
        params.cpuparams.n_threads = asked["threads"]
        params.cpuparams_batch.n_threads = asked["threads"]
    if asked["use"] != "chat":
        params.embedding = True
        # A text is read in one batch: this is the longest that can be.
        params.n_batch = params.n_ubatch = asked["context"] or BATCH_TOKENS
        kinds = xllamacpp.llama_pooling_type
        ranks = asked["use"] == "reranking"
        params.pooling_type = kinds.LLAMA_POOLING_TYPE_RANK if ranks else kinds.LLAMA_POOLING_TYPE_MEAN
    return params


def _while_used(used: Path, seconds: float) -> None:
    """Until nobody touched the file `used` for so long, or it is gone."""
    while True:
        try:
            idle = time.time() - used.stat().st_mtime
        except OSError:
            return
        if idle > seconds:
            return
        time.sleep(min(1.0, max(0.05, seconds - idle)))


if __name__ == "__main__":
    main()
