"""The cluster that the `local` stack stands on: one that the user names, kind where Docker is, or a node of our own.

What is started is written down in the cluster's folder, so that `stop` ends that and nothing else.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from ops.cluster.kubeconfig import context_of, reached
from sandbox import lock
from sandbox.images import catalogue
from sandbox.node import control
from sandbox.node.discard import discard
from sandbox.node.layout import Layout

Say = Callable[[str], None]
_ENDS_WITHIN = 60.0


class Using(enum.Enum):
    """What a cluster is made of; `auto` takes kind where Docker and kind are, and else a node of our own."""

    AUTO = "auto"
    KIND = "kind"
    NODE = "node"
    CONTEXT = "context"


@dataclass(frozen=True)
class Cluster:
    """A cluster of that name in the repository at `root`."""

    root: Path
    name: str

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").isalnum() or not self.name.isascii():
            problem = Problem(summary="this is no cluster name", found=self.name, allowed="letters, digits and -")
            raise Refused(problem, ExitCode.USAGE)

    @property
    def layout(self) -> Layout:
        """Its folder."""
        return Layout(self.root / ".sandbox" / "nodes" / self.name)

    @property
    def using(self) -> Using | None:
        """What it was started as, or None when it was not."""
        try:
            return Using(json.loads(self._record.read_text())["using"])
        except (OSError, ValueError, KeyError):
            return None

    @property
    def taken(self) -> str:
        """The context of the user's that it was started with; empty for one that was made here."""
        try:
            return str(json.loads(self._record.read_text()).get("context", ""))
        except (OSError, ValueError):
            return ""

    @property
    def _record(self) -> Path:
        return self.layout.folder / "cluster.json"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else starts or sweeps it during the block. Raises `Refused` (`UNAVAILABLE`) while somebody does.

        An owner answers questions only once its cluster is ready; until then its lock says that it lives.
        """
        folder = self.layout.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.ExitStack() as locks:
            try:
                locks.enter_context(lock.take(folder / "starting", "cluster"))
                lock.take(folder / "lock", "cluster").close()
            except Refused as refused:
                (by,) = refused.problems
                summary = f"cluster `{self.name}` is being started or ended, and does not answer yet"
                fix = f"wait for it (tail -f {self.layout.owner_log}), or end that process"
                raise Refused(Problem(summary=summary, found=by.found, fix=fix), ExitCode.UNAVAILABLE) from None
            yield

    def remember(self, using: Using, context: str = "") -> None:
        """Writes down what is about to be started, or which context is taken."""
        self.layout.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._record.write_text(json.dumps({"using": using.value, "context": context}))

    def forget(self) -> None:
        """Nothing is started any more."""
        for file in (self._record, self.layout.kubeconfig):
            file.unlink(missing_ok=True)

    def status(self) -> dict[str, Any] | None:
        """What is known of it while it runs, or None."""
        using = self.using
        if using is Using.NODE:
            return _with(self, control.ask(self.layout.control, {"do": "status"}, within=30))
        if using is Using.KIND:
            return _with(self, {} if self.name in kind("get", "clusters").split() else None)
        if using is Using.CONTEXT:
            return _with(self, reached(self.layout.kubeconfig))
        return None


def _with(cluster: Cluster, found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None or cluster.using is None:
        return None
    return {
        "name": cluster.name,
        "using": cluster.using.value,
        "kubeconfig": str(cluster.layout.kubeconfig),
        "context": context_of(cluster.layout.kubeconfig),
        **found,
    }


def load(cluster: Cluster, image: str, say: Say) -> str:
    """Gives a cluster an image by its name in the catalogue or by its archive, and gives the line that says so.

    Raises `Refused` when there is no cluster, and for one that the user brought: its images come from where it pulls them.
    """
    if cluster.using is Using.NODE:
        told = control.ask(cluster.layout.control, {"do": "load", "image": str(absolute(image))})
        if told is not None:
            return str(told["line"])
    if cluster.using is Using.KIND:
        made = catalogue.ensure(cluster.root, [image], say)[0] if image in catalogue.RECIPES else None
        archive = made.archive if made else Path(image)
        kind("load", "image-archive", str(archive), "--name", cluster.name)
        return made.line if made else archive.name
    if cluster.using is Using.CONTEXT:
        summary = "images of a cluster of yours are pulled by it"
        fix = "push the image to a registry that the cluster reads"
        raise Refused(Problem(summary=summary, found=context_of(cluster.layout.kubeconfig), fix=fix))
    raise absent(cluster)


def absolute(image: str) -> str | Path:
    """An image as an owner finds it, which works in another folder: a name of the catalogue, or a whole path."""
    return image if image in catalogue.RECIPES else Path(image).resolve()


def stop(cluster: Cluster, say: Say) -> str:
    """Ends what was started under that name, and nothing else; gives what there is to say. A dead owner's rests are swept.

    Raises `Refused` (`UNAVAILABLE`) when there is none, and while it is still being started.
    """
    using, layout = cluster.using, cluster.layout
    if using is None:
        raise absent(cluster)
    with contextlib.ExitStack() as locks:
        told = control.ask(layout.control, {"do": "stop"}, within=30) if using is Using.NODE else None
        if told is None:
            locks.enter_context(cluster.alone())
        else:
            _gone(int(told["stopping"]), layout)
        said = f"{cluster.name} is forgotten; the cluster itself is yours and stays"
        if using is Using.KIND:
            kind("delete", "cluster", "--name", cluster.name)
            said = f"{cluster.name} is deleted, its containers with it"
        if using is Using.NODE:
            said = f"{cluster.name} has ended" if told else f"{cluster.name} had ended before"
            _sweep(layout, say if told is None else None)
        cluster.forget()
    return said


def _sweep(layout: Layout, say: Say | None) -> None:
    """Takes away what an owner left; with `say` also the control groups of one that was killed."""
    from sandbox.node.isolation import cgroups

    if say is not None:
        for left in cgroups.sweep():
            say(f"cluster: swept {left}")
    if layout.data.exists():
        discard(layout.data)


def _gone(owner: int, layout: Layout) -> None:
    """Waits until the owner has ended; `Refused` when it does not."""
    ends = time.monotonic() + _ENDS_WITHIN
    while _runs(owner):
        if time.monotonic() > ends:
            problem = Problem(
                summary="the cluster's owner does not end", found=f"process {owner}", fix=f"read {layout.owner_log}"
            )
            raise Refused(problem, ExitCode.FAILED)
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for is there for a while."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def absent(cluster: Cluster) -> Refused:
    """There is no such cluster."""
    fix = f"modelyard cluster start{'' if cluster.name == 'modelyard' else f' --name {cluster.name}'}"
    return Refused(Problem(summary=f"no cluster `{cluster.name}` is running", fix=fix), ExitCode.UNAVAILABLE)


def kind(*arguments: str) -> str:
    """What kind says, whatever the user's own KUBECONFIG is; `Refused` (`FAILED`) in its words when it fails."""
    env = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    done = subprocess.run(["kind", *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        problem = Problem(
            summary=f"`kind {' '.join(arguments)}` failed", found=said, fix="docker info; kind get clusters"
        )
        raise Refused(problem, ExitCode.FAILED)
    return done.stdout
