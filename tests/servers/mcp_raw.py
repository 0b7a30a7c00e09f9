"""An MCP server without the library, for what the library would not do; `python mcp_raw.py LOG FAULT...`.

It writes its process id and all that it is told to LOG. Faults: `stays` (SIGTERM and the end of stdin do not end it),
`hangs` (it never answers), `licence` (it says why and ends), `noise` (stdout is not the protocol's alone), `odd` (tools
that cannot be used).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

log = open(sys.argv[1], "w", encoding="utf-8", buffering=1)  # noqa: SIM115  # for as long as the process lives
faults = set(sys.argv[2:])
OBJECT = {"type": "object"}
TOOLS: list[dict[str, Any]] = [{"name": "wait", "description": "Never answers.", "inputSchema": OBJECT}]
ODD: list[dict[str, Any]] = [
    {"name": "wait", "description": "The same name again.", "inputSchema": OBJECT},
    {"name": "../../x", "inputSchema": OBJECT},
    {"name": "a b", "inputSchema": OBJECT},
    {"name": "x" * 65, "inputSchema": OBJECT},
    {"name": "wide", "inputSchema": {**OBJECT, "description": "w" * 200_000}},
]


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    match message.get("method"):
        case "initialize":
            version = message["params"]["protocolVersion"]
            about = {"name": "raw", "version": "1"}
            return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}}
        case "tools/list":
            return {"result": {"tools": TOOLS + ODD if "odd" in faults else TOOLS}}
        case "tools/call":
            return None
    return {"error": {"code": -32601, "message": "not known"}}


def main() -> None:
    log.write(f"{os.getpid()}\n")
    if "licence" in faults:
        sys.exit("starting\nthere is no licence \x1b[31mhere")
    if "stays" in faults:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "noise" in faults:
        sys.stdout.write("Welcome!\n{\n")
    for line in sys.stdin:
        log.write(line)
        message = json.loads(line)
        if "hangs" not in faults and "id" in message and (said := answer(message)) is not None:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}) + "\n")
            sys.stdout.flush()
    while "stays" in faults:
        time.sleep(60)


if __name__ == "__main__":
    main()
