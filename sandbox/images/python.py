"""What Python programs need in an image: the running interpreter with its libraries, and installed packages beside it."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.problem import ExitCode, Problem, Refused
from sandbox.environment import for_fetching, of_this_process
from sandbox.images.layer import Layer

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
PROGRAM = f"/usr/local/bin/{VERSION}"
HOME = f"usr/local/lib/{VERSION}"
PACKAGES = f"{HOME}/site-packages"
ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
SHELL = ("sh", "cat", "ls", "sleep", "env")
"""A few small programs, for a look inside."""

_UNUSED = {
    "__pycache__",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
}
_UNUSED_MODULES = ("_ctypes_test", "_curses", "_test", "_tkinter", "nis", "readline", "xxlimited")
# Packages name these as they were called before glibc took them in; the interpreter itself does not.
_STUBS = ("libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1")
_NAMES = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
_LINE = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x", re.MULTILINE)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def libraries(files: Iterable[Path]) -> dict[str, Path]:
    """The shared libraries that programs need, by the name they ask for; the loader by its whole path."""
    done = subprocess.run(["ldd", *map(str, files)], env=of_this_process(), capture_output=True, text=True, check=False)
    return {name or path: Path(path) for name, path in _LINE.findall(done.stdout)}


def programs(layer: Layer, files: dict[str, Path]) -> None:
    """Puts programs at paths of the image, with every library that they need; a static one needs none."""
    for path, source in files.items():
        layer.file(path, source)
    _put_libraries(layer, libraries(files.values()))


def base_files(layer: Layer) -> None:
    """Users, groups and folders that programs expect to find."""
    for name in ("bin", "lib", "lib64", "sbin"):
        layer.folder(f"usr/{name}")
        layer.link(name, f"usr/{name}")
    for name in ("tmp", "var/tmp"):
        layer.folder(name, 0o1777)
    layer.data(
        "etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:10001:10001::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    )
    layer.data("etc/group", "root:x:0:\napp:x:10001:\nnogroup:x:65534:\n")
    layer.data("etc/nsswitch.conf", "hosts: files dns\n")


def interpreter() -> Layer:
    """The interpreter that runs this, its standard library, and a few programs to look around with."""
    layer = Layer()
    base_files(layer)
    standard = Path(sysconfig.get_path("stdlib"))
    binary = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    modules = [each for each in (standard / "lib-dynload").glob("*.so") if not each.name.startswith(_UNUSED_MODULES)]

    def keep(path: str) -> bool:
        top, _, rest = path.partition("/")
        if top == "lib-dynload" and rest:
            return not rest.startswith(_UNUSED_MODULES)
        return not _UNUSED & set(path.split("/")) and not top.startswith("config-")

    layer.tree(HOME, standard, keep)
    layer.folder(PACKAGES)
    layer.link(f"{HOME}/dist-packages", "site-packages")
    for name in ("python3", "python"):
        layer.link(f"usr/local/bin/{name}", VERSION)
    found = {name: Path(path).resolve() for name in SHELL if (path := shutil.which(name))}
    programs(layer, {PROGRAM: binary, **{f"usr/bin/{name}": path for name, path in found.items()}})
    _put_libraries(layer, libraries(modules))
    by_name = libraries([binary])["libc.so.6"].parent
    _put_libraries(layer, {name: by_name / name for name in (*_STUBS, *_NAMES) if (by_name / name).exists()})
    return layer


def _put_libraries(layer: Layer, found: dict[str, Path]) -> None:
    for name, path in found.items():
        if name.startswith("/"):
            layer.file(f"usr{name}" if name.startswith("/lib") else name, path)
        else:
            layer.file(f"usr/lib/{name}", path)


def closure(names: Sequence[str]) -> list[importlib.metadata.Distribution]:
    """The named installed packages and all that they need here, by name. Raises PackageNotFoundError for one that is not."""
    distributions: dict[str, importlib.metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        key = canonicalize_name(wanted.name)
        distributions.setdefault(key, importlib.metadata.distribution(wanted.name))
        for extra in ("", *wanted.extras):
            if (key, extra) in seen:
                continue
            seen.add((key, extra))
            for text in distributions[key].requires or ():
                each = Requirement(text)
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    waiting.append(each)
    return [distributions[key] for key in sorted(distributions)]


def packages(distributions: Iterable[importlib.metadata.Distribution]) -> Layer:
    """Installed packages as a layer: their files as their wheels list them, and a script for each command."""
    layer = Layer()
    for distribution in distributions:
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            unused = file.parts[0] == ".." or {"__pycache__", "tests"} & set(file.parts)
            if unused or not source.is_file():
                continue
            layer.file(f"{PACKAGES}/{file}", source)
        for entry in distribution.entry_points:
            if entry.group == "console_scripts":
                layer.data(f"usr/local/bin/{entry.name}", _script(entry), 0o755)
    return layer


def pins(lock: Path) -> list[str]:
    """What a lock file pins, `name version`."""
    return [" ".join(found) for found in _PIN.findall(lock.read_text(encoding="utf-8"))]


def taken(lock: Path, scratch: Path, wanted: Mapping[str, str], *, alone: bool) -> Layer:
    """What `wanted` names of the wheels of a lock file, at the paths that it gives, as a layer; `alone` when it is the first.

    The wheels are fetched with pip, each checked against its hash. Raises `Refused` (`UNAVAILABLE`) with pip's words.
    """
    folder = scratch / "wheels"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [
        "--only-binary=:all:",
        "--no-compile",
        "--require-hashes",
        f"--target={folder}",
        f"--requirement={lock}",
    ]
    done = subprocess.run(
        command, env=for_fetching(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-2:])
        fix = "let pip reach its index, then run this again"
        raise Refused(
            Problem(summary=f"the wheels of {lock.name} cannot be fetched", found=said, fix=fix), ExitCode.UNAVAILABLE
        )
    layer = Layer()
    if alone:
        base_files(layer)
    for name, path in wanted.items():
        source = folder / name
        if source.is_dir():
            layer.tree(path, source, _same_everywhere)
        elif alone:
            source.chmod(0o755)
            programs(layer, {path: source})
        else:
            layer.file(path, source)
    return layer


def _same_everywhere(path: str) -> bool:
    """Whether pip writes a file alike on every machine: not what it compiles, scripts that name its Python, and their hashes."""
    parts = path.split("/")
    return "__pycache__" not in parts and parts[0] != "bin" and not path.endswith(".dist-info/RECORD")


def _script(entry: importlib.metadata.EntryPoint) -> str:
    return f"#!{PROGRAM}\nimport sys\nfrom {entry.module} import {entry.attr.split('.')[0]}\nsys.exit({entry.attr}())\n"
