"""Layers and archives: the same files give the same bytes, and the archive is what the image specification says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.images import archive
from sandbox.images.archive import Image
from sandbox.images.layer import Blob, Layer

NAMES = st.text("abc", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS.map(lambda path: f"{path}.file"), st.binary(max_size=20), min_size=1, max_size=6)


def written(entries: list[tuple[str, bytes]], folder: Path) -> tuple[Blob, bytes]:
    layer = Layer()
    for path, content in entries:
        layer.data(path, content)
    blob = layer.write(folder / "layer.tar")
    return blob, blob.path.read_bytes()


@given(FILES, st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_added_changes_no_byte(files: dict[str, bytes], random: Any) -> None:
    entries = list(files.items())
    shuffled = entries.copy()
    random.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        first, data = written(entries, Path(folder))
        again, same = written(shuffled, Path(folder))
    assert data == same and first.digest == again.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert first.size == len(data)


@given(FILES)
def test_a_layer_holds_what_was_put_in_with_every_folder_before_what_is_in_it(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _, data = written(list(files.items()), Path(folder))
    seen: set[str] = {""}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            assert str(Path(info.name).parent).removeprefix(".") in seen
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
            seen.add(info.name)
            if info.isreg():
                source = tar.extractfile(info)
                assert source is not None and source.read() == files.pop(info.name)
    assert not files


def test_when_a_file_was_written_and_by_whom_changes_no_byte(tmp_path: Path) -> None:
    blobs = []
    for name, times, mode in (("one", (1, 1), 0o600), ("other", (9, 9), 0o664)):
        source = tmp_path / name
        source.write_text("same")
        source.chmod(mode)
        os.utime(source, times)
        layer = Layer()
        layer.file("place", source)
        blobs.append(layer.write(tmp_path / "layer").digest)
    assert blobs[0] == blobs[1]


@pytest.mark.parametrize(("mode", "kept"), [(0o700, 0o755), (0o755, 0o755), (0o600, 0o644), (0o655, 0o644)])
def test_a_file_stays_a_program_if_its_owner_may_run_it(tmp_path: Path, mode: int, kept: int) -> None:
    source = tmp_path / "source"
    source.touch(mode)
    source.chmod(mode)
    layer = Layer()
    layer.file("place", source)
    with tarfile.open(layer.write(tmp_path / "layer").path) as tar:
        assert tar.getmember("place").mode == kept


def test_a_tree_is_copied_without_what_is_not_kept_and_links_become_what_they_lead_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "in" / "left").mkdir(parents=True)
    (source / "in" / "file").write_text("content")
    (source / "in" / "left" / "out").write_text("content")
    (source / "link").symlink_to("in/file")
    (source / "dangling").symlink_to("nowhere")
    layer = Layer()
    layer.tree("at", source, lambda path: path != "in/left")
    assert sorted(layer.entries) == ["at", "at/in", "at/in/file", "at/link"]
    assert layer.entries["at/link"][0].isreg()


def test_nothing_can_stand_below_a_link() -> None:
    layer = Layer()
    layer.link("lib", "usr/lib")
    with pytest.raises(ValueError, match="lib is no folder"):
        layer.data("lib/file", b"")


IMAGE = Image(name="modelyard.local/thing:7", entrypoint=("/thing",), labels={"b": "2", "a": "1"}, ports=("80",))


def make(folder: Path, image: Image = IMAGE) -> Path:
    layers = []
    for number in (1, 2):
        layer = Layer()
        layer.data(f"file-{number}", str(number))
        layers.append(layer.write(folder / f"layer-{number}"))
    archive.write(folder / "image.tar", image, layers)
    return folder / "image.tar"


def test_every_digest_and_size_of_an_archive_is_that_of_what_it_names(tmp_path: Path) -> None:
    with tarfile.open(make(tmp_path)) as tar:
        files = {info.name: tar.extractfile(info) for info in tar}
        content = {name: source.read() for name, source in files.items() if source}
    blobs = {name: data for name, data in content.items() if name.startswith("blobs/")}
    assert blobs and all(name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for name, data in blobs.items())

    def of(named: dict[str, Any]) -> bytes:
        data = blobs[f"blobs/{named['digest'].replace(':', '/')}"]
        assert len(data) == named["size"]
        return data

    (entry,) = json.loads(content["index.json"])["manifests"]
    manifest = json.loads(of(entry))
    config = json.loads(of(manifest["config"]))
    layers = [hashlib.sha256(of(layer)).hexdigest() for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{layer}" for layer in layers]
    assert len(blobs) == 2 + len(layers), "nothing else is in it"
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_an_archive_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert make(tmp_path).read_bytes() == make(tmp_path / "again").read_bytes()


def test_an_archive_says_its_name_labels_and_how_it_runs(tmp_path: Path) -> None:
    read = archive.read(make(tmp_path))
    assert (read.name, read.labels) == (IMAGE.name, IMAGE.labels)
    assert read.config["config"]["Entrypoint"] == ["/thing"] and read.config["config"]["ExposedPorts"] == {"80/tcp": {}}
    assert "User" not in read.config["config"], "what is not said is left out"


def test_layers_are_taken_out_as_they_were_put_in(tmp_path: Path) -> None:
    made, out = make(tmp_path), tmp_path / "out"
    out.mkdir()
    taken = archive.layers_of(made, out)
    assert tuple(blob.digest for blob in taken) == archive.read(made).layers
    assert [blob.path.read_bytes() for blob in taken] == [(tmp_path / f"layer-{n}").read_bytes() for n in (1, 2)]


@pytest.mark.parametrize("content", [b"", b"no tar file", b"\0" * 10240])
def test_another_file_is_said_to_be_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="no OCI archive"):
        archive.read(tmp_path / "file")
