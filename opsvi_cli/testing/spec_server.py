"""A vendor's API description, served: a mock that judges every request by the OpenAPI 3 document and answers by script.

    spec = Path("tests/spec.json")
    with SpecServer(spec, {"POST /chat/completions": {"choices": [...]}}) as server:
        ...  # the provider, with base_url=server.url
    assert server.requests[0].body["model"] == "small"

A request that the document does not allow gets 422 with the reasons, one without credentials 401; what the document
does not name 404. An answer that the test forgot, or that `check_answers` finds against the document, is a 500 and
fails the test at the end of the `with`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

from .spec_document import Operation, SpecDocument
from .spec_schemas import SpecError

__all__ = ["SpecAnswer", "SpecError", "SpecRequest", "SpecServer"]


@dataclass(frozen=True)
class SpecAnswer:
    """`body`: a JSON document, text or bytes; of a stream the events, which may come from a generator.

    An event is JSON, text sent as it is, or (name, JSON) for a named event. `close` ends the connection in the middle.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Literal["", "sse", "ndjson"] = ""
    done: str = ""
    close: bool = False

    @classmethod
    def sse(cls, events: Iterable[Any], *, done: str = "[DONE]", close: bool = False) -> SpecAnswer:
        """Server-sent events; `done` is the last one's data, "" for none."""
        return cls(events, stream="sse", done=done, close=close)

    @classmethod
    def ndjson(cls, lines: Iterable[Any], *, close: bool = False) -> SpecAnswer:
        return cls(lines, stream="ndjson", close=close)

    @property
    def media_type(self) -> str:
        given = {name.lower(): value for name, value in self.headers.items()}.get("content-type")
        if given:
            return given.partition(";")[0].strip().lower()
        kinds = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
        return kinds.get(self.stream) or ("text/plain" if isinstance(self.body, (str, bytes)) else "application/json")


@dataclass
class SpecRequest:
    """What came. `reasons` say why it was refused; `client_gone` is set when the answer could not be written."""

    method: str
    path: str
    operation: str
    path_params: dict[str, str]
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes
    body: Any = None
    reasons: list[str] = field(default_factory=list)
    client_gone: threading.Event = field(default_factory=threading.Event)


One: TypeAlias = "SpecAnswer | Mapping[str, Any] | Callable[[SpecRequest], SpecAnswer | Mapping[str, Any]]"
Script: TypeAlias = "One | Sequence[One]"


class _Listening(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news: tests cancel requests on purpose. Anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class SpecServer:
    """A real HTTP server on 127.0.0.1. `answers`: operation (`POST /chat/completions`) -> what it answers.

    A JSON object or SpecAnswer is given each time, a list one after the other, a function is asked with the request.
    `key`: the credentials that are right; any are without it. `credentials`: header names of which one must be there,
    for a document that names no security. `strict`: fields of a body that the document does not know are refused.
    """

    def __init__(
        self,
        document: Mapping[str, Any] | Path,
        answers: Mapping[str, Script] | None = None,
        *,
        key: str | None = None,
        credentials: Sequence[str] = (),
        strict: bool = True,
        check_answers: bool = False,
        refusal_status: int = 422,
    ) -> None:
        self._document = SpecDocument(document, strict=strict)
        self._answers: dict[str, Any] = {
            name: list(script) if isinstance(script, (list, tuple)) else script
            for name, script in (answers or {}).items()
        }
        if unknown := [name for name in self._answers if name not in self._document.operations]:
            known = ", ".join(self._document.operations)
            raise SpecError(f"the document has no {', '.join(unknown)}; it has {known}")
        self._key = key
        self._credentials = tuple(name.lower() for name in credentials)
        self._check_answers = check_answers
        self._refusal = refusal_status
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None
        self.requests: list[SpecRequest] = []
        self.problems: list[str] = []
        """What was wrong with the script; raised at the end."""

    @property
    def root(self) -> str:
        """The address of the machine, without a path."""
        if self._http is None:
            raise SpecError("the server runs inside its `with`")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL: with the path of the document's first server, as `https://api.example.com/v1` has one."""
        return self.root + self._document.prefix

    def __enter__(self) -> Self:
        self._http = _Listening(("127.0.0.1", 0), type("Handler", (_Handler,), {"mock": self}))
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        if self.problems and error is None:
            raise SpecError("\n".join(self.problems))

    # --- one request

    def judge(self, request: SpecRequest, cookies: Mapping[str, str]) -> tuple[Operation | None, SpecAnswer | None]:
        """Fill in the request; the answer is a refusal, None when it is allowed."""
        path = request.path
        if not path.startswith(self._document.prefix + "/"):
            return None, self._refuse(request, 404, [f"{path} is not below {self._document.prefix}"])
        operation, params, known = self._document.find(request.method, path.removeprefix(self._document.prefix))
        if operation is None:
            reason = f"{request.method} is not allowed for {path}" if known else f"{path} is not in the document"
            return None, self._refuse(request, 405 if known else 404, [reason])
        request.operation, request.path_params = operation.name, params
        if not self._let_in(operation, request, cookies):
            return operation, self._refuse(request, 401, ["credentials are missing or wrong"])
        values: dict[str, dict[str, Sequence[str]]] = {
            "path": {name: [value] for name, value in params.items()},
            "query": {**request.query},
            "header": {name: [value] for name, value in request.headers.items()},
            "cookie": {name: [value] for name, value in cookies.items()},
        }
        reasons = list(self._document.parameter_reasons(operation, values))
        content_type = request.headers.get("content-type", "")
        request.body, wrong = self._document.body_reasons(operation, content_type, request.raw)
        if reasons := [*reasons, *wrong]:
            return operation, self._refuse(request, self._refusal, reasons)
        return operation, None

    def _let_in(self, operation: Operation, request: SpecRequest, cookies: Mapping[str, str]) -> bool:
        def right(place: str, name: str, prefix: str) -> bool:
            if place == "query":
                came = next(iter(request.query.get(name, ())), "")
            else:
                came = (cookies if place == "cookie" else request.headers).get(name.lower(), "")
            if not came or not came.lower().startswith(prefix.lower()) or came.strip() == prefix.strip():
                return False
            return self._key is None or came.removeprefix(prefix).removeprefix("Bearer ") == self._key

        if self._credentials:
            return any(right("header", name, "") for name in self._credentials)
        ways = self._document.credentials(operation)
        return not ways or any(all(right(*needed) for needed in way) for way in ways)

    def _refuse(self, request: SpecRequest, status: int, reasons: list[str]) -> SpecAnswer:
        request.reasons = reasons
        return SpecAnswer({"error": {"message": "; ".join(reasons), "type": "invalid_request_error"}}, status)

    def scripted(self, operation: Operation, request: SpecRequest) -> SpecAnswer:
        """The test's answer; what is wrong with it becomes a problem and a 500."""
        with self._lock:
            script = self._answers.get(operation.name)
            if isinstance(script, list):
                script = script.pop(0) if script else None
        if script is None:
            return self._problem(f"{operation.name}: no answer is scripted for this request")
        if callable(script):
            script = script(request)
        answer = script if isinstance(script, SpecAnswer) else SpecAnswer(script)
        if self._check_answers and not answer.stream and answer.media_type == "application/json":
            reasons = self._document.answer_reasons(operation, answer.status, answer.media_type, answer.body)
            if reasons:
                return self._problem(f"{operation.name}: {'; '.join(reasons)}")
        return answer

    def event_allowed(self, operation: Operation, answer: SpecAnswer, event: Any) -> None:
        """Note an event that the document does not allow; text is sent unseen."""
        if self._check_answers and not isinstance(event, str):
            for reason in self._document.answer_reasons(operation, answer.status, answer.media_type, event):
                self.problems.append(f"{operation.name}: an event: {reason}")

    def _problem(self, text: str) -> SpecAnswer:
        self.problems.append(text)
        return SpecAnswer({"error": {"message": text, "type": "test_script"}}, 500)


class _Handler(BaseHTTPRequestHandler):
    mock: SpecServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """The test reads `requests` instead."""

    def _any(self) -> None:
        split = urlsplit(self.path)
        request = SpecRequest(
            method=self.command,
            path=split.path,
            operation="",
            path_params={},
            query=parse_qs(split.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            raw=self._raw(),
        )
        self.mock.requests.append(request)
        cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("cookie", "")).items()}
        operation, answer = self.mock.judge(request, cookies)
        if answer is None and operation is not None:
            answer = self.mock.scripted(operation, request)
        assert answer is not None
        try:
            self._send(operation, answer)
        except (BrokenPipeError, ConnectionResetError):
            request.client_gone.set()
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any  # noqa: N815  # the names that http.server looks for

    def _raw(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, operation: Operation | None, answer: SpecAnswer) -> None:
        self.send_response(answer.status)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        headers.setdefault("content-type", answer.media_type)
        if not answer.stream:
            body = answer.body
            data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else _json(body)
            headers["content-length"] = str(len(data) + (1 if answer.close else 0))
        else:
            headers["transfer-encoding"] = "chunked"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not answer.stream:
            self.wfile.write(data)
        else:
            for event in answer.body:
                if operation is not None:
                    self.mock.event_allowed(operation, answer, event[1] if isinstance(event, tuple) else event)
                self._chunk(_event(event, answer.stream))
            if answer.done and not answer.close:
                self._chunk(_event(answer.done, answer.stream))
            if not answer.close:
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = self.close_connection or answer.close

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        with contextlib.suppress(ValueError):
            self.wfile.flush()


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _event(event: Any, stream: str) -> bytes:
    if stream == "ndjson":
        return (event.encode() if isinstance(event, str) else _json(event)) + b"\n"
    name, data = event if isinstance(event, tuple) else ("", event)
    text = data if isinstance(data, str) else _json(data).decode()
    return ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()
