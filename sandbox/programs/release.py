"""Fetches the official Pulumi release: the archive for this machine, proven against the release's own checksums.

A download that breaks off is taken up where it stopped. A machine without network finds out within seconds.
"""

from __future__ import annotations

import hashlib
import http
import http.client
import platform
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

BASE = "https://get.pulumi.com/releases/sdk"
"""Where Pulumi publishes archives and their `pulumi-<version>-checksums.txt` (SHA-256)."""

_ANSWER_WITHIN = 8.0
_STALL = 20.0
_CHUNK = 1 << 20
_TRIES = 5


class ReleaseError(Exception):
    """The release cannot be fetched from here; the text says why, for a person."""


def unpack(downloads: Path, version: str, target: Path, say: Callable[[str], None], base: str = BASE) -> None:
    """Puts every program of the release (`pulumi` and its language hosts) into `target`.

    The archive is proven before it is opened, and removed after. Raises `ReleaseError` when the place does not answer,
    has no archive for this machine, or the checksum is wrong.
    """
    name = f"pulumi-v{version}-{_system()}-{_processor()}.tar.gz"
    say(f"toolchain: asking for the official release v{version}")
    expected = _checksum(f"{base}/pulumi-{version}-checksums.txt", name)
    downloads.mkdir(parents=True, exist_ok=True)
    archive = downloads / name
    _fetch(f"{base}/{name}", archive, say)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected:
        archive.unlink()
        raise ReleaseError(f"{name} has SHA-256 {digest}, its release says {expected}; the file was removed")
    say("toolchain: checksum verified")
    _extract(archive, target)
    archive.unlink()


def _system() -> str:
    return platform.system().lower()


def _processor() -> str:
    known = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    return known.get(platform.machine().lower(), platform.machine().lower())


def _checksum(address: str, name: str) -> str:
    text = _within(_ANSWER_WITHIN, lambda: _read(address)).decode("utf-8", "replace")
    for line in text.splitlines():
        digest, _, file = line.strip().partition(" ")
        if file.strip().lstrip("*") == name and len(digest) == 64:
            return digest.lower()
    raise ReleaseError(f"the release's checksums do not list {name}")


def _read(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_WITHIN) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise ReleaseError(f"{address} answers {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        raise ReleaseError(f"no answer ({getattr(error, 'reason', error)})") from None


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """The result of `work`, or `ReleaseError` after `seconds`: a name server that does not answer has no timeout."""
    done: list[bytes] = []
    failed: list[ReleaseError] = []

    def run() -> None:
        try:
            done.append(work())
        except ReleaseError as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if done:
        return done[0]
    raise failed[0] if failed else ReleaseError(f"no answer within {seconds:.0f} s")


def _fetch(address: str, archive: Path, say: Callable[[str], None]) -> None:
    """Downloads into `<archive>.part`, from where an earlier try stopped, and renames at the end."""
    part = archive.with_suffix(".part")
    for attempt in range(1, _TRIES + 1):
        have = part.stat().st_size if part.exists() else 0
        if have:
            say(f"toolchain: going on with the download at {have / 1e6:.0f} MB")
        try:
            _append(address, part, have, say)
            part.rename(archive)
            return
        except urllib.error.HTTPError as error:
            if error.code == 416:
                part.unlink(missing_ok=True)
            elif error.code < 500:
                raise ReleaseError(f"{address} answers {error.code}") from None
            reason = f"{address} answers {error.code}"
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error))
        say(f"toolchain: the download broke off ({reason}), try {attempt} of {_TRIES}")
        time.sleep(0.2 * attempt)
    raise ReleaseError(f"the download broke off {_TRIES} times; the next run goes on where it stopped")


def _append(address: str, part: Path, have: int, say: Callable[[str], None]) -> None:
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_STALL) as answer:  # noqa: S310
        going_on = have > 0 and answer.status == http.HTTPStatus.PARTIAL_CONTENT
        length = int(answer.headers.get("Content-Length") or 0)
        total = length + (have if going_on else 0)
        size, told = (have if going_on else 0), time.monotonic()
        with part.open("ab" if going_on else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                size += len(chunk)
                if time.monotonic() - told > 5:
                    told = time.monotonic()
                    say(f"toolchain: {size / 1e6:.0f} of {total / 1e6:.0f} MB")
    if size < total:
        raise OSError(f"{size} of {total} bytes came")


def _extract(archive: Path, target: Path) -> None:
    """Takes only plain files that stand directly in the archive's `pulumi/` folder."""
    target.mkdir(parents=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                folder, _, name = member.name.removeprefix("./").partition("/")
                content = tar.extractfile(member) if member.isfile() else None
                if folder != "pulumi" or not name or "/" in name or content is None:
                    continue
                with (target / name).open("wb") as file:
                    shutil.copyfileobj(content, file)
                (target / name).chmod(0o755)
    except tarfile.TarError as error:
        raise ReleaseError(f"{archive.name} is no archive ({error})") from None
