"""Writes a tiny llama model with random weights, for a real llama.cpp server: valid in form, gibberish in content."""

from __future__ import annotations

from pathlib import Path

CONTEXT = 512
WIDTH = 64
_LAYERS = 2
_HEADS = 4
_FEED_FORWARD = 128
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _byte_characters() -> list[str]:
    """GPT-2's printable character for each byte, in the order of the bytes."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {byte: chr(byte) for byte in shown}
    free = 256
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(free)
            free += 1
    return [table[byte] for byte in range(256)]


def write_model(path: Path, context: int = CONTEXT) -> None:
    """A vocabulary of the 256 bytes, three merges and three control tokens; weights from a fixed seed."""
    import gguf
    import numpy

    characters = _byte_characters()
    space = characters[ord(" ")]
    merges = [("t", "h"), ("th", "e"), (space, "the")]
    special = ["<|im_start|>", "<|im_end|>", "<|pad|>"]
    tokens = [*characters, *("".join(pair) for pair in merges), *special]
    first = len(tokens) - len(special)
    types = [gguf.TokenType.NORMAL] * first + [gguf.TokenType.CONTROL] * len(special)

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // _HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(first)
    writer.add_eos_token_id(first + 1)
    writer.add_pad_token_id(first + 2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)

    random = numpy.random.default_rng(7)

    def weights(*shape: int) -> numpy.ndarray:
        return (random.standard_normal(shape) * 0.05).astype(numpy.float32)

    ones = numpy.ones(WIDTH, dtype=numpy.float32)
    writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", ones)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{block}.{name}.weight", weights(WIDTH, WIDTH))
        writer.add_tensor(f"{block}.ffn_norm.weight", ones)
        writer.add_tensor(f"{block}.ffn_gate.weight", weights(_FEED_FORWARD, WIDTH))
        writer.add_tensor(f"{block}.ffn_up.weight", weights(_FEED_FORWARD, WIDTH))
        writer.add_tensor(f"{block}.ffn_down.weight", weights(WIDTH, _FEED_FORWARD))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", weights(len(tokens), WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
