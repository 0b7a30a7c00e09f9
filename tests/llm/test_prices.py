"""What a call costs: own prices first, then the table; what is not known is not 0."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError
from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.llm.prices import context_window, cost_of, table_date, table_name
from opsvi_cli.sdk import Usage

MILLION = 1_000_000


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Callable[[str], AppContext]:
    def make(settings: str = "") -> AppContext:
        file = home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(settings)
        return AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(os.environ), cwd=str(tmp_path))

    return make


def cost(app: AppContext, name: str, usage: Usage, url: str = "", provider: object = None) -> float | None:
    vendor, _, model = name.partition("/")
    return cost_of(app, ModelChoice(vendor, model, url), usage, provider)


def test_the_table(app: Callable[..., AppContext]) -> None:
    context = app()
    # Prices that vendors published and have not changed since.
    assert cost(context, "openai/gpt-4o-mini", Usage(MILLION, MILLION)) == pytest.approx(0.75)
    assert cost(context, "openai/gpt-4o-mini", Usage(MILLION, 0, cached_tokens=MILLION)) == pytest.approx(0.075)
    half = cost(context, "openai/gpt-4o-mini", Usage(MILLION, 0, cached_tokens=MILLION // 2))
    assert half == pytest.approx(0.1125)
    by_url = cost(context, "openai/gpt-4o-mini", Usage(MILLION, MILLION), "https://api.openai.com/v1")
    assert by_url == pytest.approx(0.75)
    assert cost(context, "anthropic/claude-3-haiku-20240307", Usage(MILLION, MILLION)) == pytest.approx(1.5)
    assert context_window(context, ModelChoice("openai", "gpt-4o-mini")) == 128_000


def test_what_is_not_known_is_not_free(app: Callable[..., AppContext]) -> None:
    context = app('[providers.proxy]\napi_key = "env:PROXY_KEY"\nbase_url = "http://127.0.0.1:4000/v1"\n')
    used = Usage(1000, 1000)
    assert cost(context, "openai/gpt-of-nobody", used) is None
    assert cost(context, "openai/gpt-4o-mini", used, "https://proxy.example.org/v1") is None
    assert cost(context, "acme/gpt-4o-mini", used) is None
    assert cost(context, "openai/gpt-4o-mini", Usage()) is None
    assert cost(context, "openai/gpt-4o-mini", Usage(5, None)) is None
    assert cost(context, "proxy/gpt-4o-mini", used) is None, "a server of one's own that wants a key may pass costs on"
    assert context_window(context, ModelChoice("openai", "gpt-of-nobody")) is None


def test_what_costs_nothing(app: Callable[..., AppContext]) -> None:
    context = app()
    assert cost(context, "openai/gpt-4o-mini", Usage(1000, 1000), "http://127.0.0.1:8080/v1") == 0
    assert cost(context, "ollama/qwen3", Usage(), "http://gpu-box:11434/v1") == 0

    class Here:
        remote = False

    class Declared:
        free = True

    class OnThisMachine:
        local = True

    assert cost(context, "echo/slow", Usage(), provider=Here()) == 0
    assert cost(context, "gguf/x", Usage(1, 1), provider=Declared()) == 0
    assert cost(context, "llama-server/x", Usage(1, 1), provider=OnThisMachine()) == 0
    assert cost(context, "vllm/x", Usage(1, 1), "https://gpu.example.org/v1", OnThisMachine()) is None
    assert cost(context, "ollama/x", Usage(1, 1), provider=context.part("provider", "ollama")) == 0


def test_own_prices_go_first(app: Callable[..., AppContext]) -> None:
    context = app(
        '[providers.openai.prices]\n"gpt-4o-mini" = {input = 1, output = 2, cached = 0.5}\n'
        '"*" = {input = 10, output = 20}\n"gpt-4o*" = {input = 3, output = 4}\n'
    )
    assert cost(context, "openai/gpt-4o-mini", Usage(MILLION, MILLION, cached_tokens=MILLION)) == pytest.approx(2.5)
    assert cost(context, "openai/gpt-4o-x", Usage(MILLION, MILLION, cached_tokens=MILLION)) == pytest.approx(7)
    assert cost(context, "openai/other", Usage(MILLION, 0), "http://127.0.0.1:1/v1") == pytest.approx(10)


@pytest.mark.parametrize(
    "price",
    ["{input = 1}", "{input = -1, output = 1}", "3", '{input = "1", output = 1}', "{input = 1, output = 1, x = 1}"],
)
def test_a_price_that_is_none(app: Callable[..., AppContext], price: str) -> None:
    context = app(f'[providers.openai.prices]\n"gpt-4o" = {price}\n')
    with pytest.raises(UsageError, match=r'providers\.openai\.prices\."gpt-4o" is no price'):
        cost(context, "openai/gpt-4o", Usage(1, 1))


def test_the_date(app: Callable[..., AppContext]) -> None:
    context = app()
    assert "2026-01-01" < table_date(context) <= context.now()[:10]
    assert table_date(context) == table_date(app())
    assert table_name().startswith("genai-prices ")


def test_a_model_that_costs_nothing_loads_no_table(home: Path) -> None:
    code = (
        "import sys; from opsvi_cli.app import run; run(['prompt', 'hi', '-m', 'echo'])\n"
        "sys.exit('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
