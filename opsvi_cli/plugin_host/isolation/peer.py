"""One end of the pipe, the same code on both: calls, streams and call-backs between two processes.

A request has an id and gets one answer: `result`, `error`, for the next items of a stream `event`, or `done` with the
last. An item is made when it is asked for, so nothing runs ahead of its reader, as with an iterator in one process.
`cancel` interrupts a request that runs; of what nobody holds any more, `forget` is said of an object, `drop` of a
stream, `end` of a lane.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from opsvi_cli.errors import OpsviError, PluginError

from .interrupts import Interrupts
from .lanes import Lane, Lanes, Message
from .surfaces import REQUIRED, SURFACES
from .wire import Reference, WireError, decode, decode_error, encode, encode_error, read_line, write_line

_REQUESTS = ("call", "get", "next", "close")
_ANSWERS = ("result", "error", "event", "done")
CANCEL_SECONDS = 5.0
"""How long a cancelled request may take to end."""


class Peer:
    """The other process, for this one. Thread-safe.

    `proxies` make an object that stands for one on the other side, by surface. `failure` gives the error for requests
    that the other side cannot answer any more; `describe` turns any exception of this side's objects into one to send.
    """

    def __init__(
        self,
        incoming: BinaryIO,
        outgoing: BinaryIO,
        *,
        side: str,
        proxies: Mapping[str, Callable[[Peer, int], Any]],
        failure: Callable[[], OpsviError],
        describe: Callable[[BaseException], OpsviError],
        remaining: Callable[[], float | None] = lambda: None,
        interrupts: Interrupts | None = None,
        abandon: Callable[[], None] = lambda: None,
    ) -> None:
        """`remaining`: seconds until the deadline of the run; raises at its end. `interrupts`: how the other side's
        `cancel` reaches what runs here. `abandon` ends the other process, which is of no use any more.
        """
        self._incoming = incoming
        self._outgoing = outgoing
        self._proxies = proxies
        self._failure = failure
        self._describe = describe
        self._remaining = remaining
        self._interrupts = interrupts
        self._abandon = abandon
        self._objects: dict[int, tuple[str, Any]] = {}
        self._streams: dict[int, Iterator[Any]] = {}
        self._numbers = itertools.count()
        self._ids = itertools.count(1)
        self._writing = threading.Lock()
        self._later: deque[Message] = deque()
        self.garbage = ""
        """What was wrong with what the other side sent, when that ended it."""
        self.lanes = Lanes(side, self.serve, lambda lane: self.soon({"type": "end", "lane": lane}))

    # Objects of this side

    def offer(self, surface: str, target: Any) -> Reference:
        """Let the other side call `target`, until its proxy is gone."""
        number = next(self._numbers)
        self._objects[number] = (surface, target)
        return Reference(surface, number)

    def _resolve(self, reference: Reference) -> Any:
        if reference.surface not in self._proxies:
            raise WireError(f"a reference to a {reference.surface[:40]}")
        return self._proxies[reference.surface](self, reference.number)

    # Requests

    def call(self, number: int, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of the other side's object and return its result. Raises OpsviError as the other side did."""
        arguments = {"args": self._encode(list(args)), "options": self._encode(options)}
        answer = self._request({"type": "call", "object": number, "method": method, **arguments})
        return self._decode(answer.get("value"))

    def get(self, number: int, name: str) -> Any:
        """An attribute of the other side's object."""
        return self._decode(self._request({"type": "get", "object": number, "method": name}).get("value"))

    def stream(self, number: int, method: str, *args: Any, ahead: int = 1) -> RemoteStream:
        """The iterator that a method of the other side's object returns; the method is called now.

        `ahead`: how many items may be made at once, where nobody waits for the first.
        """
        stream = self.call(number, method, *args)
        if not isinstance(stream, int):
            raise self._broken(f"{method} gave no stream")
        return RemoteStream(self, stream, ahead)

    def next_of(self, stream: int, count: int) -> tuple[list[Any], bool]:
        """(the next items of a stream, at most `count`; whether there may be more)."""
        answer = self._request({"type": "next", "stream": stream, "count": count})
        items = self._decode(answer.get("value"))
        if not isinstance(items, list):
            raise self._broken("an event without items")
        return items, answer["type"] == "event"

    def close_stream(self, stream: int) -> None:
        self._request({"type": "close", "stream": stream})

    def _encode(self, value: Any) -> Any:
        try:
            return encode(value)
        except (TypeError, RecursionError) as error:
            raise PluginError(str(error)) from error

    def _decode(self, value: Any) -> Any:
        try:
            return decode(value, self._resolve)
        except (WireError, RecursionError) as error:
            raise self._broken(str(error)) from error

    def _broken(self, what: str) -> OpsviError:
        """The error for what is not of this protocol; the other process is ended."""
        self.garbage = self.garbage or what
        self._abandon()
        return self._failure()

    def _request(self, message: Message) -> Message:
        lane = self.lanes.mine()
        number = next(self._ids)
        self._send({**message, "lane": lane.name, "id": number})
        try:
            answer = self._answer_to(number, lane, self._remaining)
        except BaseException:  # the deadline, Ctrl-C
            self._give_up(number, lane)
            raise
        if answer is None:
            raise self._failure()
        if answer["type"] == "error":
            try:
                raised = decode_error(answer["error"])
            except (WireError, KeyError) as error:
                raise self._broken(str(error)) from error
            raise raised
        return answer

    def _answer_to(self, number: int, lane: Lane, remaining: Callable[[], float | None]) -> Message | None:
        """Wait for the answer, serving meanwhile. None: the other side is gone."""
        while True:
            left = remaining()
            try:
                message = lane.take(left)
            except queue.Empty:
                continue  # `remaining` raises
            if message is None:
                lane.put(None)  # for whoever waits further out in this thread
                return None
            if message["type"] not in _ANSWERS:
                self._serve_one(message)
            elif message.get("id") == number:
                return message

    def _give_up(self, number: int, lane: Lane) -> None:
        """Cancel a request that is not waited for any more; the other process is ended when that takes too long."""
        until = time.monotonic() + CANCEL_SECONDS

        def left() -> float:
            seconds = until - time.monotonic()
            if seconds <= 0:
                raise TimeoutError
            return seconds

        try:
            self._send({"type": "cancel", "id": number, "lane": lane.name})
            self._answer_to(number, lane, left)
        except (TimeoutError, OpsviError):
            self._abandon()
        except BaseException:  # a second Ctrl-C
            self._abandon()
            raise

    def _send(self, message: Message) -> None:
        shield = self._interrupts.shielded() if self._interrupts else contextlib.nullcontext()
        try:
            with shield, self._writing:
                self._flush()
                write_line(self._outgoing, message)
        except (OSError, ValueError) as error:  # ValueError: the pipe was closed here
            raise self._failure() from error
        except WireError as error:
            raise PluginError(str(error)) from error
        except KeyboardInterrupt:
            self._abandon()  # half a line may be on its way
            raise

    def _flush(self) -> None:
        while self._later:
            write_line(self._outgoing, self._later.popleft())

    def soon(self, message: Message) -> None:
        """Send at once or before the next message. For finalizers, which may run in the middle of anything."""
        self._later.append(message)
        if self._writing.acquire(blocking=False):
            try:
                self._flush()
            except (OSError, ValueError, WireError):
                self._later.clear()
            finally:
                self._writing.release()

    # Serving

    def listen(self) -> None:
        """Hand on what comes until the other side ends or sends what is no message; for a thread of its own."""
        try:
            while (message := read_line(self._incoming)) is not None:
                self._hand_on(message)
        except (WireError, OSError, ValueError) as error:
            self.garbage = self.garbage or str(error)
        finally:
            self.lanes.close()

    def _hand_on(self, message: Message) -> None:
        kind, lane, number = message.get("type"), message.get("lane"), message.get("id")
        if kind == "cancel" and isinstance(number, int):
            if self._interrupts is not None:
                self._interrupts.cancel(number)
        elif kind in _REQUESTS and isinstance(lane, str) and isinstance(number, int):
            self.lanes.deliver(lane, message, opens=True)
        elif kind == "forget":
            self._objects.pop(message.get("object", -1), None)
        elif kind in (*_ANSWERS, "drop", "end") and isinstance(lane, str):
            if not self.lanes.deliver(lane, message) and kind == "drop":
                self._drop(message)
        else:
            raise WireError(f"a message of an unknown type: {str(kind)[:40]}")

    def serve(self, lane: Lane) -> None:
        """Answer requests of a lane until it ends."""
        while (message := lane.take()) is not None and message["type"] != "end":
            if message["type"] not in _ANSWERS:  # an answer here is to a request that was given up
                with contextlib.suppress(OpsviError):
                    self._serve_one(message)

    def _serve_one(self, message: Message) -> None:
        if message["type"] == "drop":
            self._drop(message)
            return
        reply: Message = {"lane": message["lane"], "id": message["id"]}
        ends: BaseException | None = None
        running = self._interrupts.running(message["id"]) if self._interrupts else contextlib.nullcontext()
        try:
            with running:
                answer = self._do(message)
            reply.update(answer, value=self._encode(answer.get("value")))
        except BaseException as error:  # noqa: BLE001  # whatever an object of this side raises is the other side's to see
            # Here Ctrl-C is told to the other side, and goes on unwinding; there it is that side's cancel, and done.
            ends = None if isinstance(error, Exception) or self._interrupts else error
            reply.update(type="error", error=encode_error(self._describe(error)))
        try:
            self._send(reply)
        except OpsviError as error:  # too long, or nobody is there
            self._send({**reply, "type": "error", "value": None, "error": encode_error(error)})
        if ends is not None:
            raise ends

    def _do(self, message: Message) -> Message:
        """Do what a request asks for. Raises WireError for what is not on the surface of its object."""
        if message["type"] in ("next", "close"):
            return self._step(message["type"], int(message["stream"]), int(message.get("count", 1)))
        surface, target = self._objects[int(message["object"])]
        known, method = SURFACES[surface], str(message["method"])
        if message["type"] == "get" and method in known.values:
            otherwise = known.values[method]
            found = getattr(target, method) if otherwise is REQUIRED else getattr(target, method, otherwise)
            return {"type": "result", "value": found}
        if message["type"] == "get" or method not in (*known.calls, *known.streams):
            raise WireError(f"a {surface} has no {method[:40]}")
        args = decode(message["args"], self._resolve)
        options = decode(message["options"], self._resolve)
        result = getattr(target, method)(*args, **options)
        if method in known.streams:
            number = next(self._numbers)
            self._streams[number] = iter(result)
            return {"type": "result", "value": number}
        if method in known.gives:
            return {"type": "result", "value": self.offer(known.gives[method], result)}
        return {"type": "result", "value": result}

    def _step(self, kind: str, number: int, count: int) -> Message:
        if kind == "close":
            _close(self._streams.pop(number, None))
            return {"type": "done"}
        stream = self._streams[number]
        items: list[Any] = []
        try:
            while len(items) < count:
                items.append(next(stream))
        except StopIteration:
            self._streams.pop(number, None)
            return {"type": "done", "value": items}
        except BaseException as error:
            self._streams.pop(number, None)
            if not items or not isinstance(error, Exception):
                raise
            self._streams[number] = _raising(error)  # after the items that came before it
        return {"type": "event", "value": items}

    def _drop(self, message: Message) -> None:
        with contextlib.suppress(Exception):
            _close(self._streams.pop(message.get("stream", -1), None))

    def close_streams(self) -> None:
        """Close what the other side left open; for the end."""
        while self._streams:
            with contextlib.suppress(Exception):
                _close(self._streams.popitem()[1])


def _raising(error: Exception) -> Iterator[Any]:
    yield from ()
    raise error


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()


class RemoteStream(Iterator[Any]):
    """An iterator that runs on the other side. Closing it closes the one there, also by letting go of it."""

    def __init__(self, peer: Peer, number: int, ahead: int) -> None:
        self._peer = peer
        self._number = number
        self._ahead = ahead
        self._lane = peer.lanes.mine().name
        self._items: deque[Any] = deque()
        self._open = True

    def __next__(self) -> Any:
        if not self._items and self._open:
            try:
                items, self._open = self._peer.next_of(self._number, self._ahead)
            except BaseException:
                self._let_go()
                raise
            self._items.extend(items)
        if not self._items:
            raise StopIteration
        return self._items.popleft()

    def close(self) -> None:
        """End the iterator there; returns when it has."""
        self._items.clear()
        if self._open:
            self._open = False
            self._peer.close_stream(self._number)

    def _let_go(self) -> None:
        self._open = False
        self._peer.soon({"type": "drop", "lane": self._lane, "stream": self._number})

    def __del__(self) -> None:
        if self._open:
            self._let_go()
