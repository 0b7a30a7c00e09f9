"""A model of random weights, made by the test, in a folder: run in this process by transformers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opsvi_huggingface.local import LocalTransformers

from opsvi_cli.sdk import (
    Attachment,
    DeadlineError,
    Finish,
    Message,
    ModelRequest,
    PluginError,
    ProviderError,
    TextDelta,
    UsageError,
)
from opsvi_cli.testing import check_provider

pytestmark = pytest.mark.slow
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'tool' %}{{ raise_exception('no tools') }}{% endif %}"
    "<s>{{ message['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<s>{% endif %}"
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama of two small layers with fifty words and a context of 256 tokens, which never ends by itself."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<s>", "</s>", "<unk>", "hi", *(f"word{n}" for n in range(46))]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<s>", "</s>", "<unk>"])
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(3)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    place = tmp_path_factory.mktemp("model")
    network = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        network.lm_head.weight[1] = 0  # greater ones are always there
    network.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture
def local(opsvi_services: Callable[..., Any]) -> Callable[..., LocalTransformers]:
    return lambda **options: LocalTransformers(opsvi_services("huggingface-local", **options))


def ask(folder: Path | str, text: str = "hi", **more: Any) -> ModelRequest:
    return ModelRequest(str(folder), [Message("user", text)], **{"max_tokens": 12, "temperature": 0.0, **more})


def test_the_contract(local: Callable[..., LocalTransformers], folder: Path) -> None:
    provider = local(model=str(folder), max_tokens=8)
    check_provider(provider, model=str(folder))
    assert [info.id for info in provider.models()] == [str(folder)]


def test_the_answer_is_that_of_the_library(local: Callable[..., LocalTransformers], folder: Path) -> None:
    import transformers

    *texts, finish = local().stream(ask(folder, max_tokens=200))
    assert isinstance(finish, Finish)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    inputs = tokenizer("<s>hi</s><s>", return_tensors="pt", add_special_tokens=False)
    expected = network.generate(input_ids=inputs["input_ids"], max_new_tokens=200, do_sample=False)[0, 4:]
    assert (finish.usage.input_tokens, finish.usage.output_tokens) == (4, 200)
    assert len(texts) > 100
    assert "".join(piece.text for piece in texts) == tokenizer.decode(expected, skip_special_tokens=True)


def test_the_number_of_tokens_is_kept(local: Callable[..., LocalTransformers], folder: Path) -> None:
    for provider, request in ((local(), ask(folder)), (local(max_tokens=12), ask(folder, max_tokens=None))):
        *_, finish = provider.stream(request)
        assert isinstance(finish, Finish)
        assert (finish.reason, finish.usage.output_tokens) == ("length", 12)


def test_closing_stops_the_thread(local: Callable[..., LocalTransformers], folder: Path) -> None:
    before = threading.active_count()
    events = local().stream(ask(folder, max_tokens=240))
    assert isinstance(next(events), TextDelta)
    assert threading.active_count() == before + 1
    events.close()
    assert threading.active_count() == before


def test_the_end_of_the_runs_time_stops_it(opsvi_services: Callable[..., Any], folder: Path) -> None:
    services = opsvi_services("huggingface-local")
    left = [3]

    def remaining() -> float:
        left[0] -= 1
        if left[0] < 0:
            raise DeadlineError("gave up")
        return 1.0

    services.remaining = remaining
    with pytest.raises(DeadlineError):
        list(LocalTransformers(services).stream(ask(folder, max_tokens=200)))
    assert left == [-1]


def test_texts_that_are_too_long_or_not_taken(local: Callable[..., LocalTransformers], folder: Path) -> None:
    with pytest.raises(ProviderError, match="too long for this model: 303 tokens of 256") as caught:
        list(local().stream(ask(folder, "hi " * 300)))
    assert caught.value.kind == "context"
    *_, finish = local().stream(ask(folder, "hi " * 240, max_tokens=100))
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage.output_tokens) == ("length", 256 - 243)
    with pytest.raises(ProviderError, match="template does not take these messages"):
        list(local().stream(ModelRequest(str(folder), [Message("tool", "x", tool_call_id="1")])))
    files = (Attachment("a.pdf", "application/pdf", b"%PDF"),)
    with pytest.raises(UsageError, match="reads no application/pdf"):
        list(local().stream(ModelRequest(str(folder), [Message("user", "x", attachments=files)])))


def test_folders_without_a_model(local: Callable[..., LocalTransformers], folder: Path, tmp_path: Path) -> None:
    for place, said in ((tmp_path / "gone", "there is no such model"), (tmp_path, "cannot be loaded")):
        with pytest.raises(ProviderError, match=said) as caught:
            list(local().stream(ask(place)))
        assert "\n" not in caught.value.message
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ProviderError) as caught:
        list(local().stream(ask(tmp_path)))
    assert "\n" not in caught.value.message
    assert caught.value.kind in ("bad-response", "not-found")


def test_a_name_that_is_not_in_the_cache_is_not_fetched(local: Callable[..., LocalTransformers], folder: Path) -> None:
    assert folder
    with pytest.raises(ProviderError) as caught:
        list(local().stream(ask("owner/name-that-nobody-has")))
    assert caught.value.kind == "not-found"


@pytest.mark.parametrize("options", [{"max_tokens": 0}, {"max_tokens": True}, {"device": 3}])
def test_wrong_settings(options: dict[str, Any], local: Callable[..., LocalTransformers], folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(local(**options).stream(ask(folder, max_tokens=None)))
    assert "opsvi config set providers.huggingface-local." in caught.value.hint


def test_without_transformers_the_extra_is_named(
    local: Callable[..., LocalTransformers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(PluginError) as caught:
        list(local().stream(ask("/no/such/folder")))
    assert caught.value.hint == "pip install 'opsvi-huggingface[local]'"
