"""What the sources of a plugin touch, read from their syntax trees: imports and calls, without running anything.

It is a look, no proof: code can hide what it does. So it says where it saw something, and says when code is built or
loaded at run time, or compiled, which no look at sources sees through.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import KINDS

from .contents import Contents

FINDINGS: Mapping[str, str] = {
    "network": "opens connections",
    "files": "reads or writes files",
    "processes": "starts other programs",
    "secrets": "reads environment variables or stored keys",
    "native": "brings or loads compiled code",
    "dynamic": "builds or loads code at run time",
    "startup": "runs code at every start of this Python",
}
_MAX_PLACES = 3

_MODULE_WORDS: Mapping[str, str] = {
    "network": """
        socket ssl http ftplib smtplib imaplib poplib telnetlib xmlrpc socketserver urllib3 requests httpx httpx2
        httpcore httpcore2 aiohttp websocket websockets grpc paramiko pycurl boto3 botocore openai anthropic redis
        psycopg psycopg2 asyncpg pymysql pymongo elasticsearch opensearchpy qdrant_client chromadb huggingface_hub
        kafka pika zmq telegram slack_sdk""",
    "processes": "subprocess multiprocessing pty pexpect sh plumbum",
    "files": "shutil tempfile sqlite3 glob fileinput dbm zipfile tarfile mmap",
    "secrets": "keyring getpass netrc",
    "native": "ctypes cffi _ctypes",
    "dynamic": "runpy imp pickle marshal dill",
}
_CALL_WORDS: Mapping[str, str] = {
    "files": """
        open io.open os.open os.remove os.unlink os.rename os.replace os.mkdir os.makedirs os.rmdir os.walk os.scandir
        os.listdir""",
    "processes": """
        os.system os.popen os.fork os.forkpty os.startfile os.posix_spawn asyncio.create_subprocess_exec
        asyncio.create_subprocess_shell""",
    "network": "asyncio.open_connection asyncio.start_server",
    "dynamic": "eval exec compile __import__ importlib.import_module",
    "secrets": "os.getenv",
}
_METHOD_WORDS: Mapping[str, str] = {
    "files": "read_text read_bytes write_text write_bytes iterdir rglob unlink",
    "secrets": "secret",
    "network": "http",
}
_MODULES, _CALLS, _METHODS = (
    {word: finding for finding, text in words.items() for word in text.split()}
    for words in (_MODULE_WORDS, _CALL_WORDS, _METHOD_WORDS)
)
_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".exe")


@dataclass(slots=True)
class Findings:
    """`places` of each finding are `what (file:line)`, at most three; `parts` are `kind:name`."""

    places: dict[str, list[str]] = field(default_factory=dict)
    unread: int = 0
    """Sources that could not be read or understood."""

    def add(self, finding: str, what: str, where: str) -> None:
        known = self.places.setdefault(finding, [])
        if len(known) < _MAX_PLACES and not any(place.startswith(f"{what} (") for place in known):
            known.append(f"{what} ({' '.join(plain(where).split())[:100]})")

    def ordered(self) -> dict[str, list[str]]:
        """In the order of FINDINGS."""
        return {name: self.places[name] for name in FINDINGS if name in self.places}


def scan(contents: Contents) -> Findings:
    """Look at every source and file name."""
    findings = Findings()
    for name in contents.names():
        if name.endswith(_NATIVE):
            findings.add("native", "a compiled file", name)
        elif name.endswith(".pth"):
            findings.add("startup", "a .pth file", name)
        elif name.endswith(".py"):
            tree = parse(contents.read(name))
            if tree is None:
                findings.unread += 1
                continue
            for finding, what, line in _look(tree):
                findings.add(finding, what, f"{name}:{line}")
    return findings


def parse(data: bytes | None) -> ast.Module | None:
    """The syntax tree of a source; None for what is no Python, or too deep to read."""
    if data is None:
        return None
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _look(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """(finding, the word that shows it, line) of everything seen."""
    aliases: dict[str, str] = {}
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                aliases[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
                yield from _module(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield from _module(f"{node.module}.{alias.name}", node.lineno)
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from _call(node, aliases)
        elif isinstance(node, (ast.Attribute, ast.Name)) and _dotted(node, aliases) in ("os.environ", "os.environb"):
            yield "secrets", "os.environ", node.lineno


def _module(name: str, line: int) -> Iterator[tuple[str, str, int]]:
    if name.startswith("urllib.request"):
        yield "network", "urllib.request", line
    elif (finding := _MODULES.get(name.partition(".")[0])) is not None:
        yield finding, name.partition(".")[0], line


def _call(node: ast.Call, aliases: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    name = _dotted(node.func, aliases)
    if name in _CALLS:
        yield _CALLS[name], name, node.lineno
    elif name.startswith(("os.spawn", "os.exec")):
        yield "processes", name, node.lineno
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        yield _METHODS[node.func.attr], f".{node.func.attr}", node.lineno


def _dotted(node: ast.expr, aliases: Mapping[str, str]) -> str:
    """`os.path.join` of a name or attribute, with import aliases undone; empty for anything else."""
    steps: list[str] = []
    while isinstance(node, ast.Attribute):
        steps.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    steps.append(aliases.get(node.id, node.id))
    return ".".join(reversed(steps)).removeprefix("builtins.")


def registered_parts(tree: ast.Module) -> list[str]:
    """`kind:name` of what `opsvi_register` registers with plain names, in order; others stay unknown."""
    found: list[str] = []
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "opsvi_register" or not function.args.args:
            continue
        registry = function.args.args[0].arg
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first, owner = node.args[0], node.func.value
            if (
                isinstance(owner, ast.Name)
                and owner.id == registry
                and node.func.attr in KINDS
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                found.append(f"{node.func.attr}:{first.value}")
    return found
