"""Only the files that a release names are served: whatever else is found, the init container ends with what it expected."""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.serving.in_cluster import model_fetch
from components.serving.in_cluster.model_fetch import Unfit, check, digests, root_digest


def model(folder: Path) -> str:
    (folder / "tokens").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "weights.safetensors").write_bytes(b"weights" * 1000)
    (folder / "tokens" / "merges.txt").write_text("a b")
    return root_digest(digests(folder))


def test_the_root_digest_is_that_of_the_reference_implementation(tmp_path: Path) -> None:
    """What `model_signing` 1.1.1 says: SHA-256 over the digests in the order of `PurePosixPath`, as its statement has them."""
    for name in ("b.txt", "a/z", "a.txt", "a/b/c", "A"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = digests(tmp_path)
    assert list(found) == ["A", "a/b/c", "a/z", "a.txt", "b.txt"]
    # What `model_signing.hashing.Config().hash(folder)` of 1.1.1 said of these five files, hashed as its payload does.
    assert root_digest(found) == "sha256:563de51b4dd39b74a6ec6aaa3c67db3d07af41e8be85855496b29b7847d21650"


def test_the_same_files_pass_wherever_they_lie(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert model(one) == model(other)
    assert check(one, model(tmp_path / "third")) == digests(other)


def test_a_changed_a_missing_and_an_extra_file_are_refused_with_both_digests(tmp_path: Path) -> None:
    expected = model(tmp_path / "m")
    for break_it in (
        lambda: (tmp_path / "m" / "weights.safetensors").write_bytes(b"weights" * 999),
        lambda: (tmp_path / "m" / "config.json").unlink(),
        lambda: (tmp_path / "m" / "extra.py").write_text("import os"),
    ):
        break_it()
        with pytest.raises(Unfit) as why:
            check(tmp_path / "m", expected)
        assert expected in str(why.value) and root_digest(digests(tmp_path / "m")) in str(why.value)


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, 6999), flip=st.integers(1, 255))
def test_no_changed_byte_passes(tmp_path_factory: pytest.TempPathFactory, place: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("m") / "m"
    expected = model(folder)
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[place] ^= flip
    (folder / "weights.safetensors").write_bytes(data)
    with pytest.raises(Unfit):
        check(folder, expected)


def test_links_are_refused_inside_and_out(tmp_path: Path) -> None:
    expected = model(tmp_path / "m")
    for name, target in (("out", "/etc/passwd"), ("in", "config.json")):
        (tmp_path / "m" / name).symlink_to(target)
        with pytest.raises(Unfit, match="is a link"):
            check(tmp_path / "m", expected)
        (tmp_path / "m" / name).unlink()
    assert check(tmp_path / "m", expected)


def signed(folder: Path, names: dict[str, str], predicate: str = "https://model_signing/signature/v1.0") -> None:
    statement = {
        "predicateType": predicate,
        "predicate": {"resources": [{"name": name, "digest": each} for name, each in names.items()]},
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    (folder / model_fetch.SIGNATURE).write_text(json.dumps({"dsseEnvelope": {"payload": payload}}))


def test_a_signature_in_the_folder_is_no_file_of_the_model_and_has_to_list_these(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    expected = model(folder)
    signed(folder, digests(folder))
    assert check(folder, expected)
    # A file with another name keeps the digest over contents; the signature tells.
    (folder / "weights.safetensors").rename(folder / "weights.tensors")
    assert root_digest(digests(folder)) == expected
    with pytest.raises(Unfit, match=r"not signed: weights\.tensors; missing: weights\.safetensors"):
        check(folder, expected)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"dsseEnvelope": {"payload": "e30="}}'])
def test_a_signature_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    expected = model(tmp_path / "m")
    (tmp_path / "m" / model_fetch.SIGNATURE).write_text(text)
    with pytest.raises(Unfit, match="cannot be read"):
        check(tmp_path / "m", expected)


class Fake(http.server.BaseHTTPRequestHandler):
    """MLflow's three answers over a folder; `told` overrides what the list says of a file."""

    folder: ClassVar[Path]
    told: ClassVar[dict[str, dict[str, Any]]] = {}
    asked: ClassVar[list[str]] = []
    moved: ClassVar[str] = ""
    page: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        said = dict(urllib.parse.parse_qsl(query))
        Fake.asked.append(self.headers.get("Authorization", ""))
        if self.moved or self.page:
            self._answer(302 if self.moved else 200, self.page)
        elif path.endswith("get-download-uri"):
            self._answer(
                200 if said["version"] == "7" else 404, b'{"artifact_uri": "mlflow-artifacts:/models/m-1/artifacts"}'
            )
        elif path.endswith("/artifacts"):
            place = self.folder / said["path"].removeprefix("models/m-1/artifacts").lstrip("/")
            files = [
                {
                    "path": each.name,
                    "is_dir": each.is_dir(),
                    "file_size": each.stat().st_size,
                    **self.told.get(each.name, {}),
                }
                for each in place.iterdir()
            ]
            self._answer(200, json.dumps({"files": files}).encode())
        else:
            name = urllib.parse.unquote(path.partition("/models/m-1/artifacts/")[2])
            self._answer(200, (self.folder / name).read_bytes())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.moved:
            self.send_header("Location", self.moved)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    Fake.folder, Fake.told, Fake.asked, Fake.moved, Fake.page = tmp_path / "registry", {}, [], "", b""
    door = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{door.server_address[1]}"
    door.shutdown()


def run(into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = model_fetch.__file__
    return subprocess.run(
        [sys.executable, "-I", program, str(into)], env=environment, capture_output=True, text=True, check=False
    )


def asked(url: str, digest: str, version: str = "7") -> dict[str, str]:
    user = {"REGISTRY_USER": "reader", "REGISTRY_PASSWORD": "it"}
    return {"REGISTRY_URL": url, "MODEL": "assistant", "MODEL_VERSION": version, "MODEL_DIGEST": digest, **user}


def test_the_program_fetches_checks_and_only_then_makes_the_link(server: str, tmp_path: Path) -> None:
    expected = model(Fake.folder)
    done = run(tmp_path / "pod", **asked(server, expected))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "pod" / model_fetch.SERVED / "config.json").read_text() == "{}"
    assert set(Fake.asked) == {"Basic " + base64.b64encode(b"reader:it").decode()}


def test_a_digest_that_does_not_match_ends_the_program_with_both_and_no_link(server: str, tmp_path: Path) -> None:
    found, expected = model(Fake.folder), "sha256:" + "0" * 64
    done = run(tmp_path / "pod", **asked(server, expected))
    assert done.returncode == 1
    assert f"expected {expected}, found {found}" in done.stderr
    assert not (tmp_path / "pod" / model_fetch.SERVED).is_symlink()


def test_a_version_that_is_not_there_a_short_file_and_a_path_outside_end_the_program(
    server: str, tmp_path: Path
) -> None:
    expected = model(Fake.folder)
    assert "HTTP 404" in run(tmp_path / "a", **asked(server, expected, "8")).stderr
    Fake.told = {"weights.safetensors": {"file_size": 7001}}
    assert "came short: expected 7001 bytes, found 7000" in run(tmp_path / "b", **asked(server, expected)).stderr
    for outside in ("../out", "/etc/out", "a\\b"):
        Fake.told = {"config.json": {"path": outside}}
        assert "outside the folder" in run(tmp_path / "c", **asked(server, expected)).stderr
    assert not (tmp_path / "out").exists()


def test_what_model_signing_leaves_out_is_neither_counted_nor_brought(server: str, tmp_path: Path) -> None:
    expected = model(Fake.folder)
    (Fake.folder / ".git").mkdir()
    for name in (".git/config", ".gitattributes", ".gitignore"):
        (Fake.folder / name).write_text("x")
    assert root_digest(digests(Fake.folder)) == expected
    assert run(tmp_path / "pod", **asked(server, expected)).returncode == 0
    assert not list((tmp_path / "pod" / model_fetch.FILES).glob(".git*"))
    (Fake.folder / "tokens" / ".gitignore").write_text("x")
    assert root_digest(digests(Fake.folder)) != expected, "only at the top of the folder"


def test_the_password_goes_to_no_proxy_and_follows_no_redirect(server: str, tmp_path: Path) -> None:
    expected = model(Fake.folder)
    assert run(tmp_path / "a", **asked(server, expected), http_proxy="http://127.0.0.1:9").returncode == 0
    Fake.asked, Fake.moved = [], f"{server}/elsewhere"
    done = run(tmp_path / "b", **asked(server, expected))
    assert (done.returncode, len(Fake.asked)) == (1, 1)
    assert "HTTP 302" in done.stderr


def test_what_is_no_registry_ends_the_program_with_a_sentence(server: str, tmp_path: Path) -> None:
    Fake.page = b"<html>sign in</html>"
    done = run(tmp_path / "pod", **asked(server, "sha256:" + "0" * 64))
    assert done.returncode == 1 and "is no registry" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("runtime", "fits"), [("vllm", True), ("", True), ("llamacpp", False)])
def test_a_form_that_the_runtime_does_not_serve_ends_the_program(
    runtime: str, fits: bool, server: str, tmp_path: Path
) -> None:
    expected = model(Fake.folder)
    done = run(tmp_path / "pod", **asked(server, expected), RUNTIME=runtime)
    assert (done.returncode == 0) is fits
    assert ("llamacpp serves one GGUF file" in done.stderr) is not fits
    assert (tmp_path / "pod" / model_fetch.SERVED).is_symlink() is fits


def test_without_a_digest_nothing_is_served(server: str, tmp_path: Path) -> None:
    model(Fake.folder)
    assert run(tmp_path / "pod", **asked(server, "")).returncode == 1


def test_what_a_server_opens_is_one_model(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="found 0 and 0"):
        model_fetch.served(tmp_path)
    (tmp_path / "a.gguf").touch()
    assert model_fetch.served(tmp_path).name == "a.gguf"
    (tmp_path / "b.gguf").touch()
    with pytest.raises(Unfit, match="found 0 and 2"):
        model_fetch.served(tmp_path)


@pytest.mark.parametrize("uri", ["runs:/r1/model", "models:/m-1", "models:/m-1/"])
def test_a_version_that_names_a_run_or_a_logged_model_is_found_there(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "/api/2.0/mlflow/runs/get?run_id=r1": {"run": {"info": {"artifact_uri": "mlflow-artifacts:/0/r1/artifacts"}}},
        "/api/2.0/mlflow/logged-models/m-1": {
            "model": {"info": {"artifact_uri": "mlflow-artifacts:/0/r1/artifacts/model"}}
        },
    }
    registry = model_fetch.Registry("http://registry")
    monkeypatch.setattr(registry, "_json", lambda path, _: answers[path])
    assert model_fetch._proxied(registry._resolved(uri)) == "0/r1/artifacts/model"


@pytest.mark.parametrize("uri", ["s3://bucket/x", "file:///etc", "", "runs:/1/m", "mlflow-artifacts:/"])
def test_files_are_asked_of_the_registry_alone(uri: str) -> None:
    with pytest.raises(Unfit):
        model_fetch._proxied(uri)
