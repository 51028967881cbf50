"""A registry on loopback: Debian's docker-registry inside the node's own network, where the node pulls and this machine pushes.

Its program is taken out of the Debian package and nothing is installed: the package would start a service on every address.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from core.problem import ExitCode, Problem, Refused
from sandbox import lock
from sandbox.images import archive
from sandbox.lab import Lab

Say = Callable[[str], None]
PROGRAM, PACKAGE = "docker-registry", "docker-registry"
HOST = "registry.modelyard.internal"
"""What images of this registry are called by; the node's container runtime is told that it is on its own loopback."""

_PORT, _INSIDE = 5000, "127.0.0.1"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def program(root: Path, say: Say = lambda _: None) -> Path:
    """The registry's program: the machine's own, or the one in Debian's package. `Refused` (`UNAVAILABLE`) without either."""
    if found := shutil.which(PROGRAM):
        return Path(found)
    target = root / ".sandbox" / "tools" / PACKAGE / PROGRAM
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with lock.waiting(target.parent / "lock", PACKAGE, say), tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        if target.is_file():
            return target
        say(f"registry: taking {PROGRAM} out of Debian's package {PACKAGE}")
        done = None
        for command in (
            ["apt-get", "download", PACKAGE],
            ["apt-get", "update", "--quiet=2"],
            ["apt-get", "download", PACKAGE],
        ):
            with contextlib.suppress(FileNotFoundError):
                done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
            if packages := list(Path(scratch).glob("*.deb")):
                subprocess.run(["dpkg-deb", "--extract", packages[0], f"{scratch}/out"], check=True)
                Path(scratch, "out", "usr", "bin", PROGRAM).rename(target)
                return target
        said = " | ".join(done.stderr.strip().splitlines()[-2:]) if done else "no apt-get on this machine"
        fix = f"apt-get install --no-install-recommends {PACKAGE}, and stop its service"
        raise Refused(Problem(summary=f"{PROGRAM} cannot be fetched", found=said, fix=fix), ExitCode.UNAVAILABLE)


@dataclass(frozen=True)
class Store:
    """A running registry; `url` is its address on this machine's 127.0.0.1."""

    url: str

    def push(self, name: str, tag: str, file: Path) -> str:
        """Pushes the image of an archive, only layers that the registry lacks, and gives the reference by digest.

        Raises `Refused` (`FAILED`) with what the registry answers.
        """
        where = f"{self.url}/v2/{name}"
        found = archive.read(file)
        with tarfile.open(file) as tar:

            def blob(digest: str) -> bytes:
                source = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
                assert source is not None  # noqa: S101 - a blob is a file
                return source.read()

            manifest = blob(found.digest)
            for digest in (json.loads(manifest)["config"]["digest"], *found.layers):
                if requests.head(f"{where}/blobs/{digest}", timeout=60).status_code == requests.codes.ok:
                    continue
                begun = _good(requests.post(f"{where}/blobs/uploads/", timeout=60))
                # The registry gives its own address, which is that inside the node.
                path = "/v2/" + begun.headers["Location"].split("/v2/", 1)[1]
                joint = "&" if "?" in path else "?"
                _good(
                    requests.put(
                        f"{self.url}{path}{joint}digest={digest}",
                        data=blob(digest),
                        headers={"Content-Type": "application/octet-stream"},
                        timeout=300,
                    )
                )
        said = requests.put(f"{where}/manifests/{tag}", manifest, headers={"Content-Type": _MANIFEST}, timeout=60)
        kept = _good(said).headers["Docker-Content-Digest"]
        if kept != found.digest:
            problem = Problem(summary="the registry keeps another manifest", found=kept, allowed=found.digest)
            raise Refused(problem, ExitCode.FAILED)
        return f"{HOST}/{name}@{kept}"


def _good(answer: requests.Response) -> requests.Response:
    if not answer.ok:
        problem = Problem(
            summary="the registry refused the image", found=f"{answer.status_code} {answer.text[:200]}".strip()
        )
        raise Refused(problem, ExitCode.FAILED)
    return answer


@contextlib.contextmanager
def serving(cluster: Lab, say: Say = lambda _: None) -> Iterator[Store]:
    """The registry for the block; it ends with the node at the latest, and its images with it."""
    node, data = cluster.node, cluster.node.layout.data
    config = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(data / "registry")}},
        "http": {"addr": f"{_INSIDE}:{_PORT}"},
    }
    (data / "registry.yaml").write_text(yaml.safe_dump(config))
    hosts = data / "registries" / HOST / "hosts.toml"
    hosts.parent.mkdir(parents=True, exist_ok=True)
    address = f"http://{_INSIDE}:{_PORT}"
    hosts.write_text(f'server = "{address}"\n\n[host."{address}"]\ncapabilities = ["pull", "resolve"]\n')
    command = [str(program(cluster.root, say)), "serve", str(data / "registry.yaml")]
    # The program is a child of nsenter's, so it is told to end when that does.
    enter = ["nsenter", f"--target={node.pid}", "--mount", "--net", "--pid", "--", "setpriv", "--pdeathsig", "TERM"]
    with (node.layout.logs / "registry.log").open("wb") as log:
        running = subprocess.Popen(
            [*enter, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]}
        )
    # Reaped here, so that it leaves no zombie when the node goes first.
    threading.Thread(target=running.wait, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{node.publisher.publish(_INSIDE, _PORT)}"
        store = Store(url)

        def answers() -> bool:
            with contextlib.suppress(requests.RequestException):
                return requests.get(f"{url}/v2/", timeout=5).ok
            return False

        taken = cluster.until("the registry does not answer", answers)
        say(f"registry: docker-registry answers on loopback ({taken:.1f} s)")
        yield store
    finally:
        running.terminate()
