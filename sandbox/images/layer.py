"""One layer of an image, put together entry by entry and written in an order of its own.

The same entries give the same bytes: sorted by path, owned by root, without times. A file is 0755 if its owner may run it, and
else 0644.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

Keep = Callable[[str], bool]


@dataclass(frozen=True)
class Blob:
    """A written layer: where it is, and the digest and size (bytes) that a manifest says of it."""

    path: Path
    digest: str
    size: int


@dataclass
class Layer:
    """What stands at which path. A path is relative to the root of the image, without a leading slash."""

    entries: dict[str, tuple[tarfile.TarInfo, Path | bytes]] = field(default_factory=dict)

    def folder(self, path: str, mode: int = 0o755) -> None:
        """A folder; those above it come by themselves."""
        self._put(path, tarfile.DIRTYPE, mode, b"")

    def data(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        """A file of the given content."""
        self._put(path, tarfile.REGTYPE, mode, content.encode() if isinstance(content, str) else content)

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self._put(path, tarfile.SYMTYPE, 0o777, b"").linkname = target

    def file(self, path: str, source: Path) -> None:
        """A copy of a file; of a link, what it leads to."""
        mode = 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644
        self._put(path, tarfile.REGTYPE, mode, source)

    def tree(self, path: str, source: Path, keep: Keep = lambda _: True) -> None:
        """A copy of everything below a folder for whose path inside it `keep` holds; links that lead nowhere are left out."""
        for folder, below, files in os.walk(source):
            inside = PurePosixPath(os.path.relpath(folder, source))
            below[:] = [name for name in below if keep(str(inside / name))]
            for name in files:
                if keep(str(inside / name)) and Path(folder, name).exists():
                    self.file(f"{path}/{inside / name}", Path(folder, name))

    def write(self, path: Path) -> Blob:
        """Writes the layer as an uncompressed tar file."""
        with path.open("wb") as handle:
            hashing = _Hashing(handle)
            with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
                for _, (info, content) in sorted(self.entries.items()):
                    with _opened(content) as source:
                        info.size = source.seek(0, io.SEEK_END) if info.isreg() else 0
                        source.seek(0)
                        tar.addfile(info, source if info.isreg() else None)
        return Blob(path, f"sha256:{hashing.digest.hexdigest()}", path.stat().st_size)

    def _put(self, path: str, kind: bytes, mode: int, content: Path | bytes) -> tarfile.TarInfo:
        name = os.path.normpath(path).lstrip("/")
        parent = str(PurePosixPath(name).parent)
        if parent != ".":
            if parent not in self.entries:
                self.folder(parent)
            elif not self.entries[parent][0].isdir():
                raise ValueError(f"{name}: {parent} is no folder of this layer")
        info = tarfile.TarInfo(name)
        info.type, info.mode = kind, mode
        self.entries[name] = (info, content)
        return info


class _Hashing:
    """A file that is written once from front to back, and hashed on the way."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self.digest = handle, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._handle.write(data)


def _opened(content: Path | bytes) -> IO[bytes]:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
