"""Finds a Pulumi engine or makes one, so that every command works on a fresh machine.

Three ways, in this order: `pulumi` on PATH if it is new enough, the official release archive of the pinned version, a
build from Go modules with the `go` on PATH. The result is kept under `.sandbox/toolchain/`, so that a second run starts
at once; a lock keeps two runs from building twice; nothing half done ever stands at a final path.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.engine_version import ask_version, version_tuple
from core.problem import ExitCode, Problem, Refused
from core.versions import PULUMI, PULUMI_MINIMUM
from sandbox import lock
from sandbox.programs import gobuild, release

Say = Callable[[str], None]

_HOST = "pulumi-language-python"


class Origin(enum.Enum):
    """Which of the three ways gave the engine."""

    PATH = "path"
    RELEASE = "release"
    BUILT = "built"


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """An engine that answered `pulumi version`; `seconds` is how long this call took to provide it.

    `directories` go to the front of PATH: the engine's own, and that of the language host when it stands elsewhere.
    """

    pulumi: Path
    version: str
    origin: Origin
    seconds: float
    directories: tuple[Path, ...]


@dataclass(frozen=True)
class _Found:
    pulumi: Path
    version: str
    origin: Origin


def ensure(root: Path, *, say: Say, language_host: bool = False) -> Toolchain:
    """The engine for the repository at `root`, found or made; each step is announced through `say`, one line a call.

    With `language_host` the Python language host is provided too, which only a plain `pulumi` run needs. Raises
    `Refused` (`UNAVAILABLE`) that names the three ways and why each failed.
    """
    started = time.monotonic()
    home = root / ".sandbox" / "toolchain"
    found = _on_path(home) or _cached(home)
    if found is None or (language_host and not _hosts(home, found)):
        with lock.waiting(home / "lock", "toolchain", say):
            found = _on_path(home) or _cached(home) or _make(root, home, say)
            if language_host and not _hosts(home, found):
                gobuild.language_host(root / "sandbox" / "go", _host_home(home), say)
                _put_beside(found, _host_home(home))
    directories = (found.pulumi.parent, *(() if _beside(found) else _hosts(home, found)))
    return Toolchain(
        pulumi=found.pulumi,
        version=found.version,
        origin=found.origin,
        seconds=time.monotonic() - started,
        directories=directories,
    )


def _on_path(home: Path) -> _Found | None:
    name = shutil.which("pulumi")
    if name is None:
        return None
    version = _version(Path(name), home / "path.json")
    known = version_tuple(version)
    return _Found(Path(name), version, Origin.PATH) if known and known >= version_tuple(PULUMI_MINIMUM) else None


def _cached(home: Path) -> _Found | None:
    folder = home / f"v{PULUMI}"
    binary = folder / "bin" / "pulumi"
    if not binary.is_file() or _version(binary, folder / "stamp.json") != f"v{PULUMI}":
        return None
    mark = folder / "origin"
    return _Found(binary, f"v{PULUMI}", Origin(mark.read_text().strip()) if mark.is_file() else Origin.BUILT)


def _version(binary: Path, stamp: Path) -> str:
    """What `pulumi version` says, asked once for each state of the file; empty when it does not run."""
    stat = binary.stat()
    state = [str(binary), stat.st_size, stat.st_mtime_ns]
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(stamp.read_text())
        if known["state"] == state:
            return str(known["version"])
    version = ask_version(binary)
    if version:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        draft = stamp.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"state": state, "version": version}))
        draft.replace(stamp)
    return version


def _beside(found: _Found) -> bool:
    return (found.pulumi.parent / _HOST).exists() or (found.pulumi.resolve().parent / _HOST).exists()


def _put_beside(found: _Found, host: Path) -> None:
    """Links the host beside an engine of ours: the engine warns about one that it finds on PATH."""
    if found.origin is Origin.PATH:
        return
    for path in host.iterdir():
        link = found.pulumi.parent / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..") / host.name / path.name)


def _host_home(home: Path) -> Path:
    return home / f"v{PULUMI}" / "host"


def _hosts(home: Path, found: _Found) -> tuple[Path, ...]:
    """The folders in which the Python language host stands, if anywhere."""
    places = (found.pulumi.parent, found.pulumi.resolve().parent, _host_home(home))
    return tuple(dict.fromkeys(place for place in places if (place / _HOST).exists()))


def _make(root: Path, home: Path, say: Say) -> _Found:
    folder = home / f"v{PULUMI}"
    reasons: list[str] = [_why_not_path()]
    for origin in (Origin.RELEASE, Origin.BUILT):
        staged = home / f"staged-{os.getpid()}"
        started = time.monotonic()
        try:
            if origin is Origin.RELEASE:
                release.unpack(home / "downloads", PULUMI, staged, say)
            else:
                gobuild.engine(root / "sandbox" / "go", PULUMI, staged, say)
            if ask_version(staged / "pulumi") != f"v{PULUMI}":
                reasons.append(f"{origin.value}: the result does not run or is not v{PULUMI}")
                continue
            _install(staged, folder, origin)
            say(f"toolchain: pulumi v{PULUMI} is ready ({origin.value}, {time.monotonic() - started:.0f} s)")
            return _Found(folder / "bin" / "pulumi", f"v{PULUMI}", origin)
        except (release.ReleaseError, gobuild.BuildError) as why:
            reasons.append(f"{origin.value}: {why}")
            say(f"toolchain: not by {origin.value}: {why}")
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    raise Refused(
        Problem(
            summary="there is no Pulumi engine and none of the three ways gives one",
            found="; ".join(reasons),
            allowed=f"pulumi >= {PULUMI_MINIMUM} on PATH, the official release of v{PULUMI}, or a build with Go",
            fix="install Pulumi from pulumi.com/docs/install, or let this machine reach get.pulumi.com, or put Go 1.21 "
            "or newer on PATH (it fetches the compiler it needs) with a module proxy in reach; then run this again",
        ),
        ExitCode.UNAVAILABLE,
    )


def _why_not_path() -> str:
    name = shutil.which("pulumi")
    if name is None:
        return "path: no `pulumi` on PATH"
    return f"path: {name} is {ask_version(Path(name)) or 'not runnable'}, older than {PULUMI_MINIMUM}"


def _install(staged: Path, folder: Path, origin: Origin) -> None:
    """Puts a proven folder in place by one rename; the mark of its origin is there before it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "origin").write_text(origin.value + "\n")
    (folder / "stamp.json").unlink(missing_ok=True)
    if (folder / "bin").exists():
        shutil.rmtree(folder / "bin")
    staged.rename(folder / "bin")


def main() -> int:
    """`python -m sandbox.programs.toolchain [--language-host]`: provides the toolchain and says which one it is."""

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        found = ensure(Path(__file__).resolve().parents[2], say=say, language_host="--language-host" in sys.argv[1:])
    except Refused as refused:
        say(str(refused))
        return refused.code
    say(f"toolchain: pulumi {found.version} ({found.origin.value}, {found.seconds:.1f} s)")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
