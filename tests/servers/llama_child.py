"""Runs llama.cpp's own HTTP server in this process, prints its address as a line of JSON, and ends when stdin does.

python llama_child.py MODEL KEY chat|embeddings|reranking CONTEXT
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    import xllamacpp

    model, key, mode, context = sys.argv[1:5]
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"tiny"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key] if key else []
    params.n_ctx = int(context)
    params.n_parallel = 1
    params.n_predict = 24
    params.sampling.seed = 7  # the same every time: by chance a random model says what no parser of calls understands
    params.warmup = False
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.verbosity = 0
    kinds = xllamacpp.llama_pooling_type
    pooling = {"embeddings": kinds.LLAMA_POOLING_TYPE_MEAN, "reranking": kinds.LLAMA_POOLING_TYPE_RANK}
    if mode in pooling:
        params.embedding = True
        params.pooling_type = pooling[mode]
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
