"""The three ways to an engine, each with a stand-in for what it would download or build."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.engine_version import ask_version, version_tuple
from core.problem import ExitCode, Refused
from core.versions import PULUMI, PULUMI_MINIMUM
from sandbox.programs import gobuild, release, toolchain
from sandbox.programs.toolchain import Origin

SCRIPT = "#!/bin/sh\necho v{version}\n"


def engine(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pulumi"
    file.write_text(SCRIPT.format(version=version))
    file.chmod(0o755)
    return file


def archive(version: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("pulumi/pulumi", "pulumi/pulumi-language-python", "pulumi/deep/er", "../escaped"):
            content = SCRIPT.format(version=version).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


class Shop:
    """A place that publishes one release; `cut` bytes is where the first download breaks off."""

    def __init__(self, content: bytes, digest: str = "", cut: int = 0) -> None:
        self.content, self.cut, self.ranges = content, cut, list[str]()
        self.digest = digest or hashlib.sha256(content).hexdigest()

    @contextmanager
    def open(self) -> Iterator[str]:
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("-checksums.txt"):
                    name = f"pulumi-v{PULUMI}-{release._system()}-{release._processor()}.tar.gz"
                    body, status = f"{shop.digest}  {name}\n".encode(), 200
                else:
                    asked = self.headers.get("Range", "")
                    shop.ranges.append(asked)
                    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                    body, status = shop.content[start:], 206 if start else 200
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                whole = not shop.cut or self.path.endswith(".txt")
                self.wfile.write(body if whole else body[: shop.cut])
                if not whole:
                    shop.cut = 0

            def log_message(self, format: str, *args: object) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without `pulumi`, `go` or network, and an empty repository on it."""
    bare = tmp_path / "bin"
    bare.mkdir()
    monkeypatch.setenv("PATH", f"{bare}:/usr/bin:/bin")
    monkeypatch.setattr(release, "_ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(release, "unpack", _no_release)
    monkeypatch.setattr(gobuild, "engine", _no_build)
    return tmp_path


def _no_release(*_: object) -> None:
    raise release.ReleaseError("no answer")


def _no_build(*_: object) -> None:
    raise gobuild.BuildError("no `go` on PATH")


def ensured(root: Path, said: list[str] | None = None) -> toolchain.Toolchain:
    return toolchain.ensure(root, say=(said if said is not None else []).append)


def test_a_pulumi_on_path_that_is_new_enough_is_taken(nothing: Path) -> None:
    path = engine(nothing / "bin", PULUMI_MINIMUM)
    assert (ensured(nothing).origin, ensured(nothing).pulumi) == (Origin.PATH, path)


def test_a_pulumi_on_path_that_is_one_version_too_old_is_not_taken(nothing: Path) -> None:
    major, minor, patch = version_tuple(PULUMI_MINIMUM)
    engine(nothing / "bin", f"{major}.{minor - 1}.{patch}")
    with pytest.raises(Refused) as refused:
        ensured(nothing)
    assert f"older than {PULUMI_MINIMUM}" in refused.value.problems[0].found


def test_without_any_way_the_refusal_names_all_three_and_what_to_do(nothing: Path) -> None:
    with pytest.raises(Refused) as refused:
        ensured(nothing)
    (problem,) = refused.value.problems
    assert refused.value.code is ExitCode.UNAVAILABLE
    assert problem.found == "path: no `pulumi` on PATH; release: no answer; built: no `go` on PATH"
    assert "install Pulumi from" in problem.fix
    assert not (nothing / ".sandbox" / "toolchain" / f"v{PULUMI}" / "bin").exists()


def test_the_second_run_takes_what_the_first_made_and_starts_at_once(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gobuild, "engine", lambda modules, version, target, say: engine(target, version))
    said: list[str] = []
    assert ensured(nothing, said).origin is Origin.BUILT
    assert any("not by release: no answer" in line for line in said)
    monkeypatch.setattr(gobuild, "engine", _no_build)
    again = ensured(nothing)
    assert again.origin is Origin.BUILT


def test_a_build_that_gives_another_version_never_stands_at_the_final_path(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gobuild, "engine", lambda modules, version, target, say: engine(target, "1.0.0"))
    with pytest.raises(Refused, match="is not v"):
        ensured(nothing)
    assert [file.name for file in (nothing / ".sandbox" / "toolchain").iterdir()] == ["lock"]


def test_two_runs_at_once_build_once(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[str] = []

    def slow(modules: Path, version: str, target: Path, say: toolchain.Say) -> None:
        builds.append(version)
        time.sleep(0.3)
        engine(target, version)

    monkeypatch.setattr(gobuild, "engine", slow)
    threads = [threading.Thread(target=ensured, args=(nothing,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds == [PULUMI]


def unpacked(shop: Shop, folder: Path) -> Path:
    with shop.open() as base:
        release.unpack(folder / "downloads", PULUMI, folder / "bin", lambda _: None, base)
    return folder / "bin"


def test_a_release_is_unpacked_without_what_stands_outside_its_folder(tmp_path: Path) -> None:
    programs = unpacked(Shop(archive(PULUMI)), tmp_path)
    assert sorted(file.name for file in programs.iterdir()) == ["pulumi", "pulumi-language-python"]
    assert ask_version(programs / "pulumi") == f"v{PULUMI}"
    assert not (tmp_path / "escaped").exists()


def test_a_release_with_another_checksum_is_removed_and_never_opened(tmp_path: Path) -> None:
    with pytest.raises(release.ReleaseError, match="the file was removed"):
        unpacked(Shop(archive(PULUMI), digest="0" * 64), tmp_path)
    assert list((tmp_path / "downloads").iterdir()) == []
    assert not (tmp_path / "bin").exists()


def test_a_download_that_breaks_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    shop = Shop(archive(PULUMI), cut=100)
    assert (unpacked(shop, tmp_path) / "pulumi").exists()
    assert shop.ranges == ["", "bytes=100-"]


def test_a_place_that_does_not_answer_is_given_up_within_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "_ANSWER_WITHIN", 0.2)
    answer = threading.Event()
    monkeypatch.setattr(release, "_read", lambda _: str(answer.wait()).encode())
    with pytest.raises(release.ReleaseError, match="no answer within"):
        release.unpack(tmp_path, PULUMI, tmp_path / "bin", lambda _: None, "http://127.0.0.1:9")
    answer.set()
