"""Writes a tiny BERT with a head that gives one number, random weights: a reranker for a real llama.cpp server."""

from __future__ import annotations

from pathlib import Path

CONTEXT = 512
_WIDTH = 64
_FEED_FORWARD = 64
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_reranker(path: Path) -> None:
    """A vocabulary of the ASCII characters, at the beginning of words and within; weights from a fixed seed."""
    import gguf
    import numpy

    characters = [chr(code) for code in range(33, 127)]
    tokens = [*_SPECIAL, *("\u2581" + character for character in characters), *characters]
    types = [gguf.TokenType.CONTROL] * len(_SPECIAL) + [gguf.TokenType.NORMAL] * (len(tokens) - len(_SPECIAL))
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name("tiny-reranker")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_type_count(2)
    writer.add_bos_token_id(_SPECIAL.index("[CLS]"))
    writer.add_eos_token_id(_SPECIAL.index("[SEP]"))
    writer.add_sep_token_id(_SPECIAL.index("[SEP]"))
    writer.add_pad_token_id(_SPECIAL.index("[PAD]"))
    writer.add_unk_token_id(_SPECIAL.index("[UNK]"))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)

    random = numpy.random.default_rng(7)

    def matrix(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", (random.standard_normal(shape) * 0.3).astype(numpy.float32))

    def linear(name: str, out: int, into: int) -> None:
        matrix(name, out, into)
        writer.add_tensor(f"{name}.bias", numpy.zeros(out, dtype=numpy.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(_WIDTH, dtype=numpy.float32))
        writer.add_tensor(f"{name}.bias", numpy.zeros(_WIDTH, dtype=numpy.float32))

    matrix("token_embd", len(tokens), _WIDTH)
    matrix("position_embd", CONTEXT, _WIDTH)
    matrix("token_types", 2, _WIDTH)
    norm("token_embd_norm")
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        linear(f"blk.0.{name}", _WIDTH, _WIDTH)
    norm("blk.0.attn_output_norm")
    linear("blk.0.ffn_up", _FEED_FORWARD, _WIDTH)
    linear("blk.0.ffn_down", _WIDTH, _FEED_FORWARD)
    norm("blk.0.layer_output_norm")
    linear("cls", _WIDTH, _WIDTH)
    linear("cls.output", 1, _WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
