"""Reads a Llama model's weights out of a GGUF file, and writes a LoRA adapter for it as one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.problem import Problem, Refused

LINEAR = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
NORMS = ("attn_norm", "ffn_norm")
ADAPTED = ("attn_q", "attn_v")
"""The matrices that get an adapter."""

Arrays = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the file says of the model: how many layers and heads, how wide, and how positions turn."""

    layers: int
    heads: int
    kv_heads: int
    width: int
    theta: float
    epsilon: float

    @property
    def head_width(self) -> int:
        return self.width // self.heads


@dataclass(frozen=True, kw_only=True)
class Base:
    """The weights in 32 bits. `layers` stacks those of one kind; a matrix is (layers, out, in): y = x W^T."""

    shape: Shape
    layers: Arrays
    embedding: Any
    last_norm: Any


def read(path: Path) -> Base:
    """The model in a GGUF file. Raises Refused for an architecture other than Llama with tied embeddings."""
    from gguf import GGUFReader, dequantize

    reader = GGUFReader(path)

    def said(name: str) -> Any:
        return reader.fields[name].contents()

    if said("general.architecture") != "llama" or any(tensor.name == "output.weight" for tensor in reader.tensors):
        found = f"{said('general.architecture')} in {path.name}"
        raise Refused(Problem(summary="this lab trains Llama models with tied embeddings only", found=found))
    shape = Shape(
        layers=int(said("llama.block_count")),
        heads=int(said("llama.attention.head_count")),
        kv_heads=int(said("llama.attention.head_count_kv")),
        width=int(said("llama.embedding_length")),
        theta=float(said("llama.rope.freq_base")),
        epsilon=float(said("llama.attention.layer_norm_rms_epsilon")),
    )
    plain = {tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float32) for tensor in reader.tensors}
    layers = {
        name: np.stack([plain[f"blk.{layer}.{name}.weight"] for layer in range(shape.layers)])
        for name in (*LINEAR, *NORMS)
    }
    return Base(shape=shape, layers=layers, embedding=plain["token_embd.weight"], last_norm=plain["output_norm.weight"])


def write_adapter(path: Path, adapter: Arrays, alpha: float) -> None:
    """Writes an adapter (`<matrix>.a` (layers, rank, in), `<matrix>.b` (layers, out, rank)) whole or not at all.

    Names and metadata are those that llama.cpp reads (its convert_lora_to_gguf.py, 2026-10).
    """
    from gguf import GGUFWriter

    draft = path.with_suffix(".new")
    writer = GGUFWriter(draft, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    for name in ADAPTED:
        for side in ("a", "b"):
            for layer, matrix in enumerate(np.asarray(adapter[f"{name}.{side}"], np.float32)):
                writer.add_tensor(f"blk.{layer}.{name}.weight.lora_{side}", np.ascontiguousarray(matrix))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.replace(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
