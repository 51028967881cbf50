"""`modelyard release pin` writes what a model's files say, and leaves the rest of a person's file alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.problem import ExitCode, Refused
from ops.cli import run
from ops.release import model_files, yaml_edit

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "max_position_embeddings": 131072,
}
FIGURES = {"name": "llama", "layers": 32, "kvHeads": 8, "headDim": 128, "contextTokens": 131072}
FILE = """# The assistant.
model: assistant # from training
version: 7
runtime: vllm
pool: chat
context: 4096 # tokens
rollout: { steps: [{ weight: 10 }] } # one step
"""


def folder(place: Path, config: dict[str, Any]) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(json.dumps(config))
    (place / "model.safetensors").write_bytes(b"w" * 100)
    return place


def gguf_file(path: Path, *, heads: Any = 8, length: int | None = 128) -> Path:
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(32)
    writer.add_head_count(32)
    writer.add_head_count_kv(heads)
    writer.add_embedding_length(4096)
    writer.add_context_length(131072)
    if length:
        writer.add_key_length(length)
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_config_json_and_gguf_say_the_same_figures(tmp_path: Path) -> None:
    assert model_files.read(folder(tmp_path / "m", CONFIG)).architecture == FIGURES
    assert model_files.read(gguf_file(tmp_path / "m.gguf")).architecture == FIGURES
    assert model_files.read(gguf_file(tmp_path / "n.gguf", length=None)).architecture == FIGURES


def test_a_file_and_a_folder_with_only_it_have_one_digest(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    file = gguf_file(tmp_path / "m" / "any.gguf")
    alone, inside = model_files.read(file), model_files.read(tmp_path / "m")
    assert (alone.digest, alone.size_bytes) == (inside.digest, inside.size_bytes)


def test_heads_that_differ_by_layer_count_as_the_most(tmp_path: Path) -> None:
    assert model_files.read(gguf_file(tmp_path / "m.gguf", heads=[2, 8])).architecture["kvHeads"] == 8


def test_a_model_with_text_inside_another_one_is_read_there(tmp_path: Path) -> None:
    assert model_files.read(folder(tmp_path, {"model_type": "vlm", "text_config": CONFIG})).architecture == FIGURES


@pytest.mark.parametrize("missing", ["num_hidden_layers", "max_position_embeddings", "model_type"])
def test_a_figure_that_is_missing_is_refused_by_name(missing: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        model_files.read(folder(tmp_path, {key: value for key, value in CONFIG.items() if key != missing}))
    (problem,) = refusal.value.problems
    wanted = {"num_hidden_layers": "layers", "max_position_embeddings": "contextTokens", "model_type": "name"}
    assert problem.found == f"no {wanted[missing]}"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all"])
def test_a_broken_gguf_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        model_files.read(tmp_path / "m.gguf")


def repository(place: Path, text: str = FILE) -> Path:
    (place / "Pulumi.yaml").write_text("name: modelyard\n")
    (place / "Pulumi.dev.yaml").write_text("config: {}\n")
    file = place / "releases" / "dev" / "chat.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_pin_writes_size_digest_and_architecture_and_keeps_every_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, source = repository(tmp_path), folder(tmp_path / "m", CONFIG)
    monkeypatch.chdir(tmp_path)
    arguments = ["release", "pin", "chat", "--stack", "dev", "--from", str(source)]
    assert run([*arguments, "--look"]) == ExitCode.OK
    assert file.read_text() == FILE
    assert run(arguments) == ExitCode.OK
    written = file.read_text()
    assert written.startswith(FILE)
    said = yaml.safe_load(written)
    assert said["architecture"] == FIGURES
    assert said["weights"]["sizeBytes"] == sum(path.stat().st_size for path in source.iterdir())
    capsys.readouterr()
    assert run([*arguments, "--format", "json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["written"] is False
    assert file.read_text() == written


@pytest.mark.parametrize(
    ("runtime", "form", "fits"),
    [("vllm", "folder", True), ("vllm", "gguf", False), ("llamacpp", "gguf", True), ("llamacpp", "folder", False)],
)
def test_pin_takes_only_the_form_of_a_model_that_the_runtime_serves(
    runtime: str, form: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = FILE if runtime == "vllm" else FILE.replace("runtime: vllm\npool: chat", "runtime: llamacpp")
    file = repository(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    source = folder(tmp_path / "m", CONFIG) if form == "folder" else gguf_file(tmp_path / "m.gguf")
    found = run(["release", "pin", "chat", "-s", "dev", "--from", str(source)])
    assert found == (ExitCode.OK if fits else ExitCode.REFUSED)
    assert ("weights" in file.read_text()) is fits


def test_pin_finds_the_file_of_the_environment_where_a_stack_has_no_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = repository(tmp_path)
    (tmp_path / "Pulumi.team.yaml").write_text(
        "config:\n  aws:region: us-east-1\n  modelyard:platform: { environment: dev, owner: team }\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(["release", "pin", "chat", "-s", "team", "--from", str(folder(tmp_path / "m", CONFIG))]) == ExitCode.OK
    assert "weights" in file.read_text()


@pytest.mark.parametrize("content", [b"model: [", b"{ model: assistant, version: 7 }", b"\xff\xfe"])
def test_pin_refuses_a_file_that_it_cannot_write_into_and_leaves_it(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = repository(tmp_path)
    file.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    found = run(["release", "pin", "chat", "-s", "dev", "--from", str(folder(tmp_path / "m", CONFIG))])
    assert (found, file.read_bytes()) == (ExitCode.REFUSED, content)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://127.0.0.1:9"])
def test_a_registry_that_does_not_answer_is_exit_code_4(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["release", "pin", "chat", "-s", "dev", "--url", url]) == ExitCode.UNAVAILABLE


def test_pin_refuses_what_would_be_no_release_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = repository(tmp_path, FILE.replace("4096", "131073"))
    monkeypatch.chdir(tmp_path)
    assert (
        run(["release", "pin", "chat", "-s", "dev", "--from", str(folder(tmp_path / "m", CONFIG))]) == ExitCode.REFUSED
    )
    assert "weights" not in file.read_text()
    assert run(["release", "pin", "chap", "-s", "dev", "--from", str(tmp_path / "m")]) == ExitCode.USAGE
    assert run(["release", "pin", "chat", "-s", "dev", "--from", str(tmp_path / "none")]) == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n", "a: 1\nm:\n  k: 2\n"),
        ("a: 1", "a: 1\nm:\n  k: 2\n"),
        ("m: { k: 1 } # kept\n", "m: { k: 2 } # kept\n"),
        ("m: { x: 1 }\n", "m: { k: 2, x: 1 }\n"),
        ("m: {}\n", "m: { k: 2 }\n"),
        ("m:\n    # first\n    x: 1 # one\n", "m:\n    # first\n    k: 2\n    x: 1 # one\n"),
        ("m:\n  k: 1 # kept\n# end\n", "m:\n  k: 2 # kept\n# end\n"),
        ('m:\n  k: "1"\nz: 3\n', "m:\n  k: 2\nz: 3\n"),
    ],
)
def test_a_value_is_set_where_it_stands_and_nothing_else_moves(before: str, after: str) -> None:
    assert yaml_edit.set_maps(before, {"m": {"k": 2}}) == after
    assert yaml_edit.set_maps(after, {"m": {"k": 2}}) == after


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=4),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1, max_size=4),
    st.booleans(),
)
def test_what_is_set_is_read_back_and_the_rest_stays(had: dict[str, int], wanted: dict[str, int], flow: bool) -> None:
    text = yaml.safe_dump({"m": had, "other": [1, 2]}, default_flow_style=flow or None, sort_keys=False)
    read = yaml.safe_load(yaml_edit.set_maps(text, {"m": wanted}))
    assert read == {"m": {**had, **wanted}, "other": [1, 2]}


def test_what_is_no_map_is_not_written_into() -> None:
    for text in ("- 1\n", "m: [1]\n", "m: text\n"):
        with pytest.raises(ValueError, match="no map"):
            yaml_edit.set_maps(text, {"m": {"k": 1}})
