"""The sample plugin of these tests, as it is packed into a wheel: every kind of part, and every way to misbehave."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsvi_cli.sdk import (
    JSON,
    AgentEvent,
    AgentFinish,
    AgentHost,
    AgentMessage,
    AgentSpec,
    CredentialsError,
    Document,
    DocumentError,
    Finish,
    Hit,
    Message,
    ModelInfo,
    ModelRequest,
    Page,
    ProviderError,
    Registry,
    Section,
    Services,
    Source,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    hookimpl,
)

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    registry.embedder("zoo", "zoo_plugin:ZooEmbedder", help="Lengths of words")
    registry.provider("zoo", "zoo_plugin:ZooProvider", help="Says what it is told")
    registry.processor(
        "zoo", "zoo_plugin:ZooProcessor", help="Reads .zoo", media_types=["text/plain"], suffixes=[".zoo"]
    )
    registry.chunker("zoo", "zoo_plugin:ZooChunker", help="One line a passage")
    registry.reranker("zoo", "zoo_plugin:ZooReranker", help="The longest first")
    registry.tool("zoo", "zoo_plugin:ZooTool", help="Does what it is told")
    registry.secret_store("zoo", "zoo_plugin:ZooSecrets", help="Knows one secret")
    registry.agent_adapter("zoo", "zoo_plugin:ZooAgent", help="Asks, calls, answers")
    registry.store("zoo", "zoo_store:MemoryBackend", help="Nothing is kept after the command")
    registry.template("zoo", "zoo_plugin_data:template", help="A template")


class ZooEmbedder:
    dimension = 2
    fusion_weight = 0.3

    def __init__(self, services: Services) -> None:
        self.fingerprint = f"zoo:{services.options.get('model', '')}"

    def embed(self, texts: Sequence[str], kind: str = "document") -> Any:
        import numpy

        rows = numpy.asarray([[len(text), text.count("a")] for text in texts], numpy.float32).reshape(len(texts), 2)
        return rows / numpy.maximum(numpy.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


class ZooProvider:
    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return frozenset({"stream", "usage"})

    def models(self) -> list[ModelInfo]:
        return [ModelInfo("words", "zoo", frozenset({"stream"}), 1000)]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        if request.model == "refused":
            raise ProviderError("too many requests", kind="rate", hint="wait", retry_after=7.5, status=429)
        if request.model not in ("words", "steps"):
            raise ProviderError(f"there is no model {request.model}", kind="not-found", hint="zoo/words")
        notes = Path(str(request.options.get("notes") or self._services.options.get("notes", "")))
        if request.model == "words":
            for word in request.messages[-1].text.split():
                yield TextDelta(word + " ")
            yield Finish("stop", Usage(3, 1))
            return
        try:
            yield TextDelta("first ")
            (notes / "waiting").write_text(str(os.getpid()))
            while not (notes / "go").exists():
                time.sleep(0.005)
            yield TextDelta("second ")
            yield Finish("stop")
        except BaseException as error:
            (notes / "ended").write_text(type(error).__name__)
            raise


class ZooProcessor:
    def __init__(self, services: Services) -> None:
        pass

    def read(self, source: Source) -> Iterable[Document | Source]:
        text = source.data.decode("utf-8", "surrogateescape")
        if "bad" in text:
            raise DocumentError(f"{source.name} is bad", hint="mend it")
        if "kill" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        yield Document(
            text,
            title="T",
            metadata={"n": [1, None, {"@": "x"}]},
            pages=(Page(1, 0, len(text)),),
            sections=(Section(("A", "B"), 2, 0, len(text)),),
            warnings=("w",),
        )
        if "inner" in text:
            yield Source(f"{source.uri}!inner.txt", "inner.txt", b"the inner text")


class ZooChunker:
    fingerprint = "zoo-lines"

    def __init__(self, services: Services) -> None:
        pass

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        start = 0
        if document.title == "counted":
            yield from ((n, n + 1) for n in range(1200))
            raise ValueError("at the end")
        for line in document.text.splitlines(keepends=True):
            if line.strip():
                yield start, start + len(line.rstrip("\n"))
            start += len(line)


class ZooReranker:
    def __init__(self, services: Services) -> None:
        pass

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        return [float(len(hit.text)) for hit in hits]


class ZooSecrets:
    def __init__(self, services: Services) -> None:
        pass

    def get(self, name: str) -> str:
        if name != "known":
            raise CredentialsError(f"zoo has no {name}", hint="opsvi secrets list")
        return "s3cret-of-the-zoo"


class ZooAgent:
    """A loop of model and tools. `options.threads`: tools are called from another thread, as frameworks do."""

    def __init__(self, services: Services) -> None:
        pass

    def run(self, spec: AgentSpec, task: str, host: AgentHost) -> Iterator[AgentEvent]:
        call_tool = self._in_a_thread(host) if spec.options.get("threads") else host.call_tool
        messages = [Message("system", spec.instructions), Message("user", task)]
        for _step in range(spec.max_steps):
            text = ""
            calls: tuple[ToolCall, ...] = ()
            for event in host.ask_model(ModelRequest(spec.model, list(messages), tools=spec.tools)):
                if isinstance(event, Finish):
                    calls = event.tool_calls
                    yield event.usage
                else:
                    yield event
                    text += event.text if isinstance(event, TextDelta) else ""
            if not calls:
                yield AgentMessage(spec.name, text)
                yield AgentFinish("answer")
                return
            messages.append(Message("assistant", text, tool_calls=calls))
            for call in calls:
                yield call
                result = call_tool(call)
                yield result
                messages.append(Message("tool", result.text, tool_call_id=call.id))
        yield AgentFinish("max_steps")

    @staticmethod
    def _in_a_thread(host: AgentHost) -> Callable[[ToolCall], ToolResult]:
        def call_tool(call: ToolCall) -> ToolResult:
            found: list[ToolResult] = []
            thread = threading.Thread(target=lambda: found.append(host.call_tool(call)))
            thread.start()
            thread.join()
            return found[0]

        return call_tool


class ZooTool:
    spec = ToolSpec("zoo", "Does what it is told", {"type": "object"})
    side_effects = True

    def __init__(self, services: Services) -> None:
        self._services = services

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        act: Callable[[Mapping[str, JSON]], JSON] = getattr(self, f"_{arguments['do']}")
        return act(arguments)

    def _echo(self, arguments: Mapping[str, JSON]) -> JSON:
        return arguments["value"]

    def _about(self, _arguments: Mapping[str, JSON]) -> JSON:
        services = self._services
        return {
            "pid": os.getpid(),
            "python": sys.executable,
            "path": [*sys.path],
            "modules": sorted(name for name in sys.modules if name.partition(".")[0] == "opsvi_cli"),
            "name": services.name,
            "options": dict(services.options),
            "data_dir": str(services.data_dir),
            "cache_dir": str(services.cache_dir),
            "thread": threading.current_thread().name,
        }

    def _child(self, _arguments: Mapping[str, JSON]) -> JSON:
        import subprocess

        return subprocess.Popen(["sleep", "600"]).pid

    def _secret(self, arguments: Mapping[str, JSON]) -> JSON:
        return self._services.secret(str(arguments["reference"]))

    def _remaining(self, _arguments: Mapping[str, JSON]) -> JSON:
        return self._services.remaining()

    def _log(self, _arguments: Mapping[str, JSON]) -> JSON:
        self._services.log.debug("unheard %s", 1)
        self._services.log.warning("heard %s", 2)
        return None

    def _print(self, _arguments: Mapping[str, JSON]) -> JSON:
        print("printed by the plugin")
        os.write(1, b"written to descriptor 1\n")
        return sys.stdin.read()

    def _fetch(self, arguments: Mapping[str, JSON]) -> JSON:
        with self._services.http(allow_private=bool(arguments.get("private")), timeout=5.0) as client:
            answer = client.post(str(arguments["url"]), content=b"body", headers={"x-zoo": "1"})
            return {"status": answer.status_code, "text": answer.text, "url": str(answer.url)}

    def _fetch_failing(self, arguments: Mapping[str, JSON]) -> JSON:
        import httpx2

        try:
            self._services.http(allow_private=True).get(str(arguments["url"]))
        except httpx2.HTTPError as error:
            return f"{type(error).__name__} for {error.request.url}"
        return "no error"

    def _boom(self, _arguments: Mapping[str, JSON]) -> JSON:
        raise ValueError("boom\nsecond line")

    def _sys_exit(self, _arguments: Mapping[str, JSON]) -> JSON:
        sys.exit(9)

    def _unsendable(self, _arguments: Mapping[str, JSON]) -> Any:
        return object()

    def _crash(self, arguments: Mapping[str, JSON]) -> JSON:
        if arguments.get("words"):
            sys.stderr.write(f"{arguments['words']}\n")
            sys.stderr.flush()
        if arguments["how"] == "exit":
            os._exit(3)
        if arguments["how"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        for descriptor in range(3, 32):
            try:
                os.write(descriptor, str(arguments["garbage"]).encode() + b"\n")
            except OSError:
                continue
        return None

    def _hang(self, arguments: Mapping[str, JSON]) -> JSON:
        if arguments.get("deaf"):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            time.sleep(0.01)
