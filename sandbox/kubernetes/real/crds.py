"""The CRDs that a chart brings, read from the Go module that the chart takes them from: no chart is fetched or rendered.

The module's content is checked against the hash pinned in `versions.CRD_MODULES`.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from core.problem import ExitCode, Problem, Refused
from core.versions import CRD_MODULES, CrdModule
from sandbox.environment import for_fetching


@functools.cache
def of_chart(chart: str) -> tuple[dict[str, Any], ...]:
    """Every CRD of a chart; empty for one that the table does not have.

    Raises `Refused` (`UNAVAILABLE`) without `go` or the module, and `REFUSED` when its content is not what is pinned.
    """
    source = CRD_MODULES.get(chart)
    if source is None:
        return ()
    files = [file for module in (source, *source.also) for file in _files(module)]
    # Some charts have megabytes of them, so in C.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = (each for file in files for each in yaml.load_all(_plain(file), Loader=loader))
    return tuple(each for each in found if each and each.get("kind") == "CustomResourceDefinition")


def _files(source: CrdModule) -> list[Path]:
    return sorted(path for path in (fetched(source) / source.folder).iterdir() if path.suffix in (".json", ".yaml"))


def _plain(file: Path) -> str:
    """A file's text without the lines of Go's templates, which a chart puts around a whole CRD to switch it off."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("{{"))


def fetched(source: CrdModule) -> Path:
    """The folder of a pinned module in the module cache, its content checked; raises as `of_chart` does."""
    wanted, go = f"{source.module}@{source.version}", shutil.which("go")
    if go is None:
        fix = "install Go from go.dev/doc/install, or bring the CRDs into the cluster yourself"
        raise Refused(Problem(summary=f"{wanted} cannot be fetched", found="no `go` on PATH", fix=fix), _MISSING)
    with tempfile.TemporaryDirectory() as elsewhere:  # inside a module, go would ask for a go.sum of all it needs
        command = [go, "mod", "download", "-json", wanted]
        env = {**for_fetching(), **({"GOTOOLCHAIN": source.go_version} if source.go_version else {})}
        done = subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {"Error": done.stderr.strip()}
    if error := answer.get("Error"):
        raise Refused(Problem(summary=f"{wanted} cannot be fetched", found=str(error), fix="set GOPROXY"), _MISSING)
    if answer["Sum"] != source.sum:
        summary = f"{wanted} is not what core/versions.py pins"
        raise Refused(Problem(summary=summary, found=answer["Sum"], allowed=source.sum, fix="find out who changed it"))
    return Path(answer["Dir"])


_MISSING = ExitCode.UNAVAILABLE
