"""Answers kept and given again: to the very same request, and if wanted to a question that means the same.

The key holds everything that shapes an answer: provider, model, URL and the whole request. Only complete answers are
kept. A question counts as similar when everything else is equal, its numbers and negations too, and the built-in
embedder finds it as close as `answers.semantic` asks; the reader is told whose answer it is.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.foundation.usage import FROM_CACHE, UsageRow
from opsvi_cli.sdk import Finish, Message, ReasoningDelta, TextDelta, Usage

from .layers import Below, Call, Events
from .prices import cost_of

if TYPE_CHECKING:
    from opsvi_cli.foundation.cache import CacheSpace

_EMBEDDER = "wordllama"
_MOST_QUESTIONS = 200
# Words that turn an answer around while the vectors stay close.
_TELLING = re.compile(
    r"\d+|\b(?:not|no|never|none|neither|without|except|nicht|nie|ohne|kein\w*)\b|n['’]t\b", re.IGNORECASE
)
_SHOWN = 80


def cache(call: Call, below: Below) -> Events:
    """Give the kept answer, else keep the one that comes. Nothing is kept of a talk with tools."""
    settings = call.app.settings.answers
    if not settings.cache or call.request.tools:
        yield from below(call)
        return
    answers = call.app.foundation.cache("answers")
    key = _digest(_identity(call))
    similar = _Similar(call) if settings.semantic > 0 else None
    kept = _read(answers, key) or (similar.find(answers, settings.semantic) if similar else None)
    if kept is not None:
        _count(call, kept)
        yield from _replay(kept)
        return
    pieces: list[TextDelta | ReasoningDelta] = []
    with contextlib.closing(below(call)) as events:
        for event in events:
            if not isinstance(event, Finish):
                pieces.append(event)
            elif event.reason == "stop" and not event.tool_calls:
                kept_now = _keep(call, answers, key, pieces, event.usage)
                if kept_now and similar is not None:
                    similar.add(key)
            yield event


def _identity(call: Call) -> dict[str, Any]:
    """What makes two requests the same; whether the answer is streamed does not."""
    request = call.request
    return {
        "provider": call.choice.provider,
        "model": request.model,
        "url": call.choice.url(call.app),
        "messages": [_message(message) for message in request.messages],
        "schema": request.schema,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "options": dict(request.options),
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "text": message.text,
        "attachments": [(a.name, a.media_type, hashlib.sha256(a.data).hexdigest()) for a in message.attachments],
        "tool_calls": [asdict(tool) for tool in message.tool_calls],
        "tool_call_id": message.tool_call_id,
    }


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _keep(
    call: Call, answers: CacheSpace, key: str, pieces: Sequence[TextDelta | ReasoningDelta], usage: Usage
) -> bool:
    """False for an answer that is not worth it: empty, or not what the schema asks for; it would fail for ever."""
    text = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
    if not text.strip() or not _fits(text, call):
        return False
    reasoning = "".join(piece.text for piece in pieces if isinstance(piece, ReasoningDelta))
    kept = {"text": text, "reasoning": reasoning, "usage": asdict(usage)}
    answers.put_json(key, kept, seconds=call.app.settings.answers.ttl_hours * 3600)
    return True


def _fits(text: str, call: Call) -> bool:
    if call.request.schema is None:
        return True
    from .json_answers import check_answer

    try:
        check_answer(text, call.request.schema, call.choice.name)
    except OpsviError:
        return False
    return True


def _count(call: Call, kept: Mapping[str, Any]) -> None:
    """A row of usage: no call, and what was saved by it at today's price."""
    app, choice = call.app, call.choice
    counted = kept.get("usage")
    numbers = {name: n for name, n in counted.items() if isinstance(n, int)} if isinstance(counted, dict) else {}
    with contextlib.suppress(TypeError, OpsviError):  # another version's names, or a price that is written wrong
        saved = cost_of(app, choice, Usage(**numbers), call.provider)
        row = UsageRow(app.now(), app.command, choice.provider, choice.model, 0, 0, 0.0, FROM_CACHE)
        app.foundation.usage.record(replace(row, cost=0.0, run=app.run, saved=saved))


def _read(answers: CacheSpace, key: str) -> Mapping[str, Any] | None:
    """A kept answer; None for anything else that stands there."""
    kept = answers.get_json(key)
    if isinstance(kept, dict) and isinstance(kept.get("text"), str) and isinstance(kept.get("reasoning"), str):
        return kept
    return None


def _replay(kept: Mapping[str, Any]) -> Events:
    """The events of a kept answer, line by line. No tokens were used for it."""
    if kept["reasoning"]:
        yield ReasoningDelta(kept["reasoning"])
    for line in kept["text"].splitlines(keepends=True):
        yield TextDelta(line)
    yield Finish("stop", Usage(0, 0))


def _telling(question: str) -> list[str]:
    return [word.lower() for word in _TELLING.findall(question)]


class _Similar:
    """Questions that were asked with the same everything else, each with its vector and the key of its answer."""

    def __init__(self, call: Call) -> None:
        self._app = call.app
        messages = list(call.request.messages)
        asked = next((n for n in range(len(messages) - 1, -1, -1) if messages[n].role == "user"), None)
        self._question = "" if asked is None else messages[asked].text
        if asked is not None:
            messages[asked] = replace(messages[asked], text="")
        others = replace(call, request=replace(call.request, messages=messages))
        self._group = _digest(_identity(others))
        self._space = call.app.foundation.cache("answers-similar")
        self._vector = self._embed() if self._question.strip() else None

    def _embed(self) -> Any:
        vector = self._app.part("embedder", _EMBEDDER).embed([self._question], "query")[0]
        return vector if vector.any() else None

    def _known(self) -> list[dict[str, Any]]:
        known = self._space.get_json(self._group)
        fields = ("question", "vector", "key")
        return [
            entry
            for entry in (known if isinstance(known, list) else [])
            if isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in fields)
        ]

    def find(self, answers: CacheSpace, least: float) -> Mapping[str, Any] | None:
        """The answer to the closest question that is at least this close, and say so."""
        if self._vector is None:
            return None
        import numpy

        telling = _telling(self._question)
        best: tuple[float, dict[str, Any], Mapping[str, Any]] | None = None
        for entry in self._known():
            if _telling(entry["question"]) != telling:
                continue
            with contextlib.suppress(ValueError):
                vector = numpy.frombuffer(base64.b64decode(entry["vector"]), dtype="<f2").astype(numpy.float32)
                closeness = float(vector @ self._vector)
                if closeness >= least and (best is None or closeness > best[0]):
                    kept = _read(answers, entry["key"])
                    best = best if kept is None else (closeness, entry, kept)
        if best is None:
            return None
        question = " ".join(plain(best[1]["question"]).split())
        shown = question if len(question) <= _SHOWN else question[: _SHOWN - 3] + "..."
        self._app.warn(f'the answer to a similar question ({best[0]:.2f}) is given again: "{shown}"')
        return best[2]

    def add(self, key: str) -> None:
        """Remember this question with the key of its answer."""
        if self._vector is None:
            return
        vector = base64.b64encode(self._vector.astype("<f2").tobytes()).decode()
        entry = {"question": self._question, "vector": vector, "key": key}
        others = [known for known in self._known() if known["key"] != key][-(_MOST_QUESTIONS - 1) :]
        self._space.put_json(self._group, [*others, entry], seconds=self._app.settings.answers.ttl_hours * 3600)
