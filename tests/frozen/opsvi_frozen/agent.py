"""An adapter without a framework."""

from __future__ import annotations

from collections.abc import Iterator

from opsvi_cli.sdk import (
    AgentEvent,
    AgentFinish,
    AgentHost,
    AgentMessage,
    AgentSpec,
    Finish,
    Message,
    ModelRequest,
    Services,
    TextDelta,
)


class Adapter:
    def __init__(self, services: Services) -> None:
        self.services = services

    def run(self, spec: AgentSpec, task: str, host: AgentHost) -> Iterator[AgentEvent]:
        messages = [Message(role="system", text=spec.instructions), Message(role="user", text=task)]
        for _ in range(spec.max_steps):
            text = ""
            finish = Finish("stop")
            for event in host.ask_model(ModelRequest(model=spec.model, messages=messages, tools=spec.tools)):
                if isinstance(event, TextDelta):
                    text += event.text
                    yield event
                elif isinstance(event, Finish):
                    finish = event
            yield finish.usage
            if not finish.tool_calls:
                yield AgentMessage(agent=spec.name, text=text)
                yield AgentFinish(reason="answer")
                return
            messages = [*messages, Message(role="assistant", text=text, tool_calls=finish.tool_calls)]
            for call in finish.tool_calls:
                yield call
                result = host.call_tool(call)
                yield result
                messages.append(Message(role="tool", text=result.text, tool_call_id=result.call_id))
        yield AgentFinish(reason="max_steps")
