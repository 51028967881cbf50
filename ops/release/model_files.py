"""What a model's own files say of it: size, manifest digest, and the figures that decide how much memory it takes.

Hugging Face's `config.json` and GGUF's metadata have other words for the same figures (transformers, `LlamaConfig`; ggml,
docs/gguf.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.serving.in_cluster import model_fetch
from core import plain_json
from core.problem import Problem, Refused
from ops.release import gguf_header


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a release file says of its model: `weights` and `architecture`, by their keys there."""

    digest: str
    size_bytes: int
    architecture: Mapping[str, str | int]
    files: int

    def values(self) -> dict[str, dict[str, str | int]]:
        """The two maps as they stand in a release file."""
        return {
            "weights": {"digest": self.digest, "sizeBytes": self.size_bytes},
            "architecture": dict(self.architecture),
        }


def read(place: Path, runtime: str = "") -> Model:
    """The model in a folder, or in one GGUF file. Raises Refused, saying what is missing, or what `runtime` does not serve."""
    try:
        if place.is_file():
            if runtime == "vllm":
                raise model_fetch.Unfit(f"vllm serves {model_fetch.READS[runtime]}, and this is one file")
            # One file by itself is a folder with nothing else in it: the digest is over contents alone.
            digest = model_fetch.root_digest({place.name: model_fetch.file_digest(place)})
            return Model(digest=digest, size_bytes=place.stat().st_size, architecture=_of(place), files=1)
        if not place.is_dir():
            raise Refused(Problem(summary="there is no such file or folder", where="--from", found=str(place)))
        found = model_fetch.check(place)
        size = sum((place / name).stat().st_size for name in found)
        served = model_fetch.served(place, runtime)
    except model_fetch.Unfit as why:
        raise Refused(Problem(summary=f"no model that can be served: {why}", found=str(place))) from None
    return Model(digest=model_fetch.root_digest(found), size_bytes=size, architecture=_of(served), files=len(found))


_MOST_OF_A_CONFIG = 4 * 1024 * 1024


def _bounded(file: Path) -> str:
    """The text of a file of ordinary size. Raises OSError and ValueError."""
    with file.open("rb") as opened:
        data = opened.read(_MOST_OF_A_CONFIG + 1)
    if len(data) > _MOST_OF_A_CONFIG:
        raise ValueError("the file is too large")
    return data.decode("utf-8")


def _of(served: Path) -> dict[str, str | int]:
    return from_gguf(served) if served.is_file() else from_config(served / "config.json")


def from_config(file: Path) -> dict[str, str | int]:
    """The figures of a `config.json`. Raises Refused for one that does not say them."""
    try:
        said = plain_json.loads(_bounded(file))
    except (OSError, ValueError) as error:
        raise Refused(
            Problem(summary=f"the model's config.json cannot be read: {type(error).__name__}", file=file.name, line=1)
        ) from None
    if not isinstance(said, dict):
        raise Refused(Problem(summary="the model's config.json is no map", file=file.name, line=1))
    text = said.get("text_config")
    own = text if isinstance(text, dict) else said
    heads, hidden = own.get("num_attention_heads"), own.get("hidden_size")
    return _whole(
        file.name,
        {
            "name": own.get("model_type") or said.get("model_type"),
            "layers": own.get("num_hidden_layers"),
            "kvHeads": own.get("num_key_value_heads") or heads,
            "headDim": own.get("head_dim") or _divided(hidden, heads),
            "contextTokens": own.get("max_position_embeddings"),
        },
    )


def from_gguf(file: Path) -> dict[str, str | int]:
    """The figures of a GGUF file's metadata. Raises Refused for one that does not say them, or is no such file."""
    # numpy takes a tenth of a second, and only this command needs it.
    import gguf

    try:
        gguf_header.check(file)
        fields = gguf.GGUFReader(file, "r").fields
    except (ValueError, IndexError, KeyError, OSError) as error:
        raise Refused(Problem(summary=f"the GGUF file cannot be read: {error}", found=file.name)) from None

    def said(key: str) -> Any:
        field = fields.get(key)
        try:
            value = field.contents() if field is not None else None
        except ValueError as error:
            raise Refused(Problem(summary=f"the GGUF file cannot be read: {error}", found=file.name)) from None
        return max(value) if isinstance(value, list) and value else value

    name = said("general.architecture")
    heads, hidden = said(f"{name}.attention.head_count"), said(f"{name}.embedding_length")
    return _whole(
        file.name,
        {
            "name": name,
            "layers": said(f"{name}.block_count"),
            "kvHeads": said(f"{name}.attention.head_count_kv") or heads,
            "headDim": said(f"{name}.attention.key_length") or _divided(hidden, heads),
            "contextTokens": said(f"{name}.context_length"),
        },
    )


def _divided(whole: Any, by: Any) -> int | None:
    return whole // by if isinstance(whole, int) and isinstance(by, int) and by else None


def _whole(file: str, figures: Mapping[str, Any]) -> dict[str, str | int]:
    """The figures when none is missing: a release whose memory nobody can work out is refused, not guessed."""
    wrong = [
        key
        for key, value in figures.items()
        if not (isinstance(value, str) and value if key == "name" else type(value) is int and value > 0)
    ]
    if wrong:
        raise Refused(
            Problem(
                summary="the model's own file does not say what decides its memory",
                found=f"no {', '.join(wrong)}",
                allowed=", ".join(figures),
                fix="write them into the release file by hand, from the model's own documentation",
                file=file,
                line=1,
            )
        )
    return dict(figures)
