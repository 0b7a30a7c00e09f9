"""What was typed at `opsvi prompt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """As typed: `files` and `attach` name files, URLs, globs or `-`; `system` may be @FILE; `values` are NAME=VALUE."""

    text: str | None = None
    files: Sequence[str] = ()
    attach: Sequence[str] = ()
    system: str | None = None
    schema: str | None = None
    template: str | None = None
    values: Sequence[str] = ()
    schema_retries: int = 1
    model: str | None = None
    base_url: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True

    @property
    def typed(self) -> str | None:
        """The text that was typed; `-` stands for what is piped in."""
        return None if self.text == "-" else self.text

    def of_model(
        self,
        model: str | None,
        base_url: str | None,
        temperature: float | None,
        max_tokens: int | None,
        *,
        stream: bool,
    ) -> PromptOptions:
        """The same question, to that model."""
        return replace(
            self, model=model, base_url=base_url, temperature=temperature, max_tokens=max_tokens, stream=stream
        )
