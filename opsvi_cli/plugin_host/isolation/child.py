"""The program of the child process: the parts of one plugin, served over stdin and stdout.

It runs on the Python of the plugin's environment. Of opsvi only `errors`, `sdk` and this package are imported, found in
opsvi's own folder, which is on no module path. It ends when its stdin ends: opsvi that is killed leaves nobody behind.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, BinaryIO

import pluggy

from opsvi_cli.sdk import Hooks, OpsviError, Part, PluginError, Registry

from .interrupts import Interrupts
from .lanes import MAIN
from .peer import Peer
from .proxies import Proxies, RemoteAgentHost, RemoteFunction
from .services_there import PartServices, RemoteBody, RemoteHttp, RemoteServices
from .surfaces import PART_KINDS
from .wire import Reference

GRACE_SECONDS = 5.0
"""How long what runs may take to end after stdin has."""

BOOTSTRAP = """\
import importlib.util, os, sys
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location(
    "opsvi_cli", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
sys.modules["opsvi_cli"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from opsvi_cli.plugin_host.isolation.child import main
main(sys.argv[2])
"""
"""For `python -I -c`: finds opsvi in the folder of the first argument; the second is the plugin's name."""

HELPERS: Proxies = {
    "services": RemoteServices,
    "http": RemoteHttp,
    "http_body": RemoteBody,
    "agent_host": RemoteAgentHost,
    "function": RemoteFunction,
}
"""What stands here for objects of opsvi."""


def main(plugin: str) -> None:
    """Serve until stdin ends."""
    incoming, outgoing = _take_pipes()
    _lift_cpu_limit()
    interrupts = Interrupts()

    def failure() -> OpsviError:
        return PluginError(f"plugin {plugin!r} (isolated): opsvi has ended")

    def describe(error: BaseException) -> OpsviError:
        return error if isinstance(error, OpsviError) else _unknown(plugin, error)

    peer = Peer(
        incoming, outgoing, side="c", proxies=HELPERS, failure=failure, describe=describe, interrupts=interrupts
    )
    peer.offer("plugin", _Plugin(plugin, peer))
    lane = peer.lanes.get(MAIN)
    threading.Thread(target=_listen, args=(peer, interrupts), daemon=True).start()
    peer.lanes.mine()
    peer.serve(lane)
    peer.close_streams()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Both pipes under numbers of their own: what the plugin prints goes to stderr, what it reads is empty."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return incoming, outgoing


def _lift_cpu_limit() -> None:
    """Of a worker process that reads documents this child would inherit the seconds of one document."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _listen(peer: Peer, interrupts: Interrupts) -> None:
    peer.listen()
    if peer.garbage:
        os.write(2, f"what opsvi sent cannot be read: {peer.garbage}\n".encode())
    interrupts.end()
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _unknown(plugin: str, error: BaseException) -> PluginError:
    if isinstance(error, SystemExit):
        what = f"it called sys.exit({error.code!r})"
    else:
        try:
            text = (str(error).strip().splitlines() or [""])[0]
        except Exception:  # noqa: BLE001  # an exception whose own text fails
            text = ""
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return PluginError(f"plugin {plugin!r} (isolated) failed: {what}", hint=f"opsvi plugins info {plugin}")


class _Plugin:
    """The surface `plugin`."""

    def __init__(self, name: str, peer: Peer) -> None:
        self._name = name
        self._peer = peer

    def describe(self, modules: Mapping[str, str]) -> dict[str, Any]:
        """Import each entry point (name -> target), let it register, and tell what it brings.

        For each name: `api` as it states it, `hooks` it implements, `parts`, and for templates the `roots` of their
        packages. Raises PluginError.
        """
        return {name: _describe(name, target) for name, target in modules.items()}

    def make(
        self,
        kind: str,
        target: str,
        name: str,
        options: Mapping[str, Any],
        folders: tuple[str, str],
        level: int,
        services: RemoteServices,
    ) -> Reference:
        """Build a part from its import string. Raises what its module or its class raises."""
        if kind not in PART_KINDS:
            raise PluginError(f"a {kind} cannot live in an environment of its own")
        module, _, attribute = target.partition(":")
        handed = PartServices(name, options, folders, level, self._name, services)
        return self._peer.offer(kind, getattr(import_module(module), attribute)(handed))


def _describe(name: str, target: str) -> dict[str, Any]:
    module, _, attribute = target.split("[")[0].strip().partition(":")
    found: Any = import_module(module.strip())
    for piece in attribute.strip().split(".") if attribute else ():
        found = getattr(found, piece)
    manager = pluggy.PluginManager("opsvi")
    manager.add_hookspecs(Hooks)
    registry = Registry()
    registry.plugin = name
    manager.register(found, name=name)
    manager.hook.opsvi_register.call_historic(kwargs={"registry": registry})
    parts = tuple(registry.parts())
    api = getattr(found, "OPSVI_API", None)
    return {
        "api": api if api is None or isinstance(api, str) else repr(api),
        "hooks": [caller.name for caller in manager.get_hookcallers(found) or ()],
        "parts": parts,
        "roots": {part.name: _root(part) for part in parts if part.kind == "template"},
    }


def _root(part: Part) -> str:
    """The folder of the package of a template, which is found and not imported."""
    package = part.target.partition(":")[0]
    spec = importlib.util.find_spec(package.partition(".")[0])
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise PluginError(f"template {part.name!r}: there is no package {package!r}")
    return os.path.join(places[0], *package.split(".")[1:])
