"""OCI archives: one tar file with an image's layers, configuration and manifest, as `ctr images import` and `kind` load them.

The form is that of the OCI image specification 1.1: image layout, index, manifest and configuration.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.images.layer import Blob

_TYPE = "application/vnd.oci.image"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image is, beside its layers: the name it is loaded under, how it runs, and what its labels say."""

    name: str
    entrypoint: tuple[str, ...]
    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def config(self, layers: Sequence[Blob]) -> dict[str, Any]:
        """The image's configuration over these layers."""
        runs = {
            "Entrypoint": list(self.entrypoint),
            "Env": [f"{key}={value}" for key, value in self.env.items()],
            "WorkingDir": self.folder,
            "Labels": dict(self.labels),
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports},
            "User": self.user,
        }
        return {
            "architecture": architecture(),
            "os": "linux",
            "config": {key: value for key, value in runs.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }


def architecture() -> str:
    """This machine's, as images call it."""
    return _MACHINES.get(platform.machine(), platform.machine())


def write(archive: Path, image: Image, layers: Sequence[Blob]) -> str:
    """Writes an archive with one image, all or nothing, and gives the digest of its manifest."""
    small: dict[str, bytes] = {}

    def put(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(value, sort_keys=True).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        small[digest] = data
        return {"mediaType": f"{_TYPE}.{kind}", "digest": digest, "size": len(data)}

    config = put("config.v1+json", image.config(layers))
    stack = [{"mediaType": f"{_TYPE}.layer.v1.tar", "digest": layer.digest, "size": layer.size} for layer in layers]
    body = {"schemaVersion": 2, "mediaType": f"{_TYPE}.manifest.v1+json", "config": config, "layers": stack}
    manifest = put("manifest.v1+json", body)
    names = {
        "io.containerd.image.name": image.name,
        "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.index.v1+json",
        "manifests": [{**manifest, "annotations": names}],
    }
    files: dict[str, bytes | Path] = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps(index, sort_keys=True).encode(),
        **{_place(digest): data for digest, data in small.items()},
        **{_place(layer.digest): layer.path for layer in layers},
    }
    archive.parent.mkdir(parents=True, exist_ok=True)
    staged = archive.with_name(f".{archive.name}.new")
    with tarfile.open(staged, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = content.stat().st_size if isinstance(content, Path) else len(content)
            with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as source:
                tar.addfile(info, source)
    staged.replace(archive)
    return str(manifest["digest"])


@dataclass(frozen=True)
class Read:
    """What an archive holds: the image's name, the digest of its manifest, its configuration and its layers' digests."""

    name: str
    digest: str
    config: Mapping[str, Any]
    layers: tuple[str, ...]

    @property
    def labels(self) -> Mapping[str, str]:
        """The image's labels."""
        found: Mapping[str, str] = self.config.get("config", {}).get("Labels", {})
        return found


def read(archive: Path) -> Read:
    """Reads an archive with one image. Raises ValueError with what is wrong with another file."""
    try:
        with tarfile.open(archive) as tar:
            index = _json(tar, "index.json")
            entry = index["manifests"][0]
            manifest = _json(tar, _place(entry["digest"]))
            config = _json(tar, _place(manifest["config"]["digest"]))
            name = entry.get("annotations", {}).get("io.containerd.image.name", "")
    except (tarfile.TarError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{archive} is no OCI archive with one image: {error}") from None
    return Read(name, entry["digest"], config, tuple(layer["digest"] for layer in manifest["layers"]))


def layers_of(archive: Path, folder: Path) -> list[Blob]:
    """The layers of an archive, unpacked into a folder as blobs."""
    blobs = []
    with tarfile.open(archive) as tar:
        for digest in read(archive).layers:
            target = folder / digest.removeprefix("sha256:")
            source = tar.extractfile(_place(digest))
            assert source is not None  # noqa: S101 - a layer is a file
            with target.open("wb") as handle:
                while data := source.read(1 << 20):
                    handle.write(data)
            blobs.append(Blob(target, digest, target.stat().st_size))
    return blobs


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(tar: tarfile.TarFile, name: str) -> dict[str, Any]:
    source = tar.extractfile(name)
    if source is None:
        raise KeyError(name)
    found: dict[str, Any] = json.load(source)
    return found
