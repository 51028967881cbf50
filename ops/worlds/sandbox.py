"""The sandbox as a world: simulated clouds on this machine, with an engine, a state and a model registry of their own.

No other file of the worlds knows the package `sandbox`.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from components.budget.component import TAG
from mlflow_provider.api import Server
from ops.doctor.checks import Check, Status
from ops.engine.automation import Engine, Program
from ops.engine.process import EngineCommand
from ops.recorded import Recorded
from ops.recover.repair import Made
from ops.show import Show
from ops.worlds.places import registry_asks
from ops.worlds.world import LocalRecords, Place, Say
from sandbox.environment import of_this_process
from sandbox.faults import CloudError
from sandbox.items import ItemStore
from sandbox.kubernetes.cluster import current
from sandbox.kubernetes.real import awaiting
from sandbox.kubernetes.real.api import Api
from sandbox.programs import toolchain
from sandbox.stack import mlflow_server as models
from sandbox.stack.session import Session

BUCKET_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"


@dataclass(frozen=True)
class SandboxWorld:
    """Everything is simulated, and stands in `.sandbox/<stack>/`."""

    name: ClassVar[str] = "sandbox"
    title: ClassVar[str] = "SIMULATED sandbox (account 000000000000)"
    simulated: ClassVar[bool] = True
    aws_simulated: ClassVar[bool] = True

    @property
    def cluster(self) -> Path | None:
        """The kubeconfig of a cluster that stands in for the simulated one; None in the sandbox itself."""
        return None

    @property
    def stands_in_for_registry(self) -> bool:
        """Whether the sandbox's registry takes the place of the one that the stack declares."""
        return True

    def plain(self, stack: str, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""
        return f"modelyard shell --stack {stack} -- pulumi {arguments}"

    def accept(self, place: Place) -> None:
        """Every stack can be simulated."""

    @contextlib.contextmanager
    def opened(
        self, place: Place, program: Program, say: Say, *, faults: Path | None = None, calls: Path | None = None
    ) -> Iterator[Engine]:
        """The engine on the stack, in an environment that knows the simulated clouds alone."""
        users = registry_asks(place) if self.stands_in_for_registry else None
        with self._session(place, faults=faults, calls=calls, say=say, users=users) as session:
            yield self._engine(session, program, say)

    @contextlib.contextmanager
    def shell(self, place: Place, say: Say) -> Iterator[Engine]:
        """The engine without a program: its folder, and a whole environment in which plain `pulumi` finds the clouds."""
        tools = toolchain.ensure(place.root, say=say, language_host=True)
        with self._session(place, toolchain=tools, users=registry_asks(place)) as session:
            yield self._engine(session, lambda: None, say)

    def _engine(self, session: Session, program: Program, say: Say) -> Engine:
        command = EngineCommand(session.toolchain.pulumi, session.toolchain.version, session.env, say)
        return Engine(
            command=command, workdir=session.workdir, stack=session.stack_name, env=session.env, program=program
        )

    def _session(self, place: Place, **more: Any) -> Session:
        kind = account_kind(place)
        return Session.open(place.root, place.stack_file, place.stack, kubeconfig=self.cluster, account=kind, **more)

    def check_before_up(self, place: Place, engine: Engine, show: Show) -> None:
        """Nothing of a simulated account stops an `up` that its preview does not tell."""

    def diagnosed(self, place: Place, show: Show) -> Iterable[Check]:
        """Whether there is a sandbox stack already."""
        there = (place.root / ".sandbox" / place.stack).is_dir()
        would = "goes on with the sandbox stack that is there" if there else "makes a new sandbox stack"
        yield Check(name="up", status=Status.OK, found=f"`modelyard up --stack {place.stack}` {would}")

    def only_recorded(self, engine: Engine) -> list[Recorded] | None:
        """Nothing runs here at all, so no report tells one release from another."""
        return None

    def bucket_holds(self, engine: Engine, region: str, bucket: str) -> bool:
        """Whether a bucket of the simulated account holds anything."""
        return holds(_items(engine), bucket)

    def tagged(self, engine: Engine, region: str, name: str) -> list[str]:
        """What carries the tag in the simulated account."""
        return tagged(_items(engine), region, name)

    def local_records(self, engine: Engine) -> LocalRecords | None:
        """The backend in the stack's folder, and what the simulated clouds hold of this stack's."""
        made = functools.partial(made_for, engine.workdir / "world", engine.stack)
        return LocalRecords(backend=engine.workdir / "backend" / ".pulumi", made=made)

    def registry(self, place: Place) -> AbstractContextManager[Server] | None:
        """The sandbox's registry of this stack, as long as the block runs."""
        return self._server(place)

    @contextlib.contextmanager
    def _server(self, place: Place) -> Iterator[Server]:
        with self.registry_process(place) as found:
            yield Server(found.url, models.ADMIN if found.password else "", found.password)

    @contextlib.contextmanager
    def registry_process(self, place: Place) -> Iterator[models.MlflowServer]:
        """That registry with its process and its variables; it is a real MLflow server."""
        asks = registry_asks(place)
        sandbox = place.root / ".sandbox"
        server = models.start(sandbox / place.stack / "mlflow", sandbox / "cache", of_this_process(), users=bool(asks))
        try:
            yield server
        finally:
            server.close()


def account_kind(place: Place) -> str:
    """How the simulated account stands in AWS Organizations: as the stack says that its own does."""
    return "management" if place.settings and place.settings.budget.watch.payer_account else "member"


def runs_pods(kubeconfig: Path) -> bool:
    """Whether the cluster has a node that is no simulation of one; what does not answer has none."""
    try:
        return awaiting.runs_pods(Api(kubeconfig))
    except (CloudError, OSError):
        return False


def names_a_cluster(kubeconfig: Path) -> None:
    """Raises Refused (`USAGE`) for a kubeconfig whose current context leads to no cluster."""
    current(kubeconfig)


def holds(items: ItemStore, bucket: str) -> bool:
    """Whether a bucket among the items holds anything."""
    return any(item.inputs.get("bucket") == bucket for item in items.all("aws", BUCKET_OBJECT))


def tagged(items: ItemStore, region: str, name: str) -> list[str]:
    """The ARNs of a region's items that carry the platform's tag with this value."""
    states = [item.state for item in items.all("aws")]
    return [
        str(state.get("arn", ""))
        for state in states
        if (state.get("tags") or {}).get(TAG) == name and state.get("region", region) == region
    ]


def made_for(folder: Path, stack: str) -> list[Made]:
    """The objects that were made on behalf of this stack's resources, each under its own type only."""
    items = ItemStore(folder)
    return [
        Made(urn=item.urn, id=item.id, inputs=item.inputs)
        for package in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        for item in items.all(package)
        if item.urn.startswith(f"urn:pulumi:{stack}::")
        and not item.pending
        and item.urn.split("::")[2].rpartition("$")[2] == item.type
    ]


def _items(engine: Engine) -> ItemStore:
    return ItemStore(engine.workdir / "world")
