"""A cluster that a kubeconfig names as a world: its Kubernetes API is real, and AWS is the sandbox's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from core import yaml_lines
from core.problem import Problem, Refused
from mlflow_provider.api import Server
from ops.engine.automation import Engine
from ops.recorded import Recorded
from ops.worlds.sandbox import SandboxWorld, names_a_cluster, runs_pods
from ops.worlds.world import Place


@dataclass(frozen=True)
class KubeconfigWorld(SandboxWorld):
    """The cluster of a kubeconfig's current context. Raises Refused (`USAGE`) for a file that names none."""

    kubeconfig: Path

    name: ClassVar[str] = "kubeconfig"
    title: ClassVar[str] = "the kubeconfig's real Kubernetes API (AWS parts SIMULATED, Helm releases only recorded)"
    simulated: ClassVar[bool] = False

    def __post_init__(self) -> None:
        names_a_cluster(self.kubeconfig)

    @property
    def cluster(self) -> Path | None:
        """The kubeconfig."""
        return self.kubeconfig

    @property
    def stands_in_for_registry(self) -> bool:
        """Where pods run, the registry that the stack declares is one of them, and is spoken to itself."""
        return not runs_pods(self.kubeconfig)

    def plain(self, stack: str, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""
        return f"modelyard shell --stack {stack} --kubeconfig {self.kubeconfig} -- pulumi {arguments}"

    def accept(self, place: Place) -> None:
        """Raises Refused for a stack that names another cluster."""
        spec = place.loaded.settings.kubernetes
        if spec is None:
            return
        content = yaml_lines.one(self.kubeconfig.read_text(encoding="utf-8"), str(self.kubeconfig)) or {}
        found = str(content.get("current-context") or "nothing")
        if found != spec.context:
            raise Refused(
                Problem(
                    summary="the kubeconfig's current context is not the one that the stack names",
                    where="kubernetes.context",
                    found=found,
                    allowed=spec.context,
                    fix=f"`kubectl config use-context {spec.context} --kubeconfig {self.kubeconfig}`, "
                    "or name the other in the stack file",
                )
            )

    def only_recorded(self, engine: Engine) -> list[Recorded] | None:
        """Every Helm release: its values are checked and its CRDs served, and nothing runs for it."""
        return Recorded.among(engine.state().get("resources") or [])

    def registry(self, place: Place) -> AbstractContextManager[Server] | None:
        """The stack's own is reached through its cluster."""
        return None
