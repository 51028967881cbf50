"""Puts the programs of Helm releases on a node of our own, which can fetch no chart: with the values that a stack gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.problem import ExitCode, Problem, Refused
from ops.cluster.running import Cluster, Using, absent
from ops.recorded import RELEASE
from sandbox.node import control
from sandbox.releases.install import STAND_INS

Values = Mapping[str, Mapping[str, Any]]


def declared(resources: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The values of those releases of a stack's state that something here stands in for, by chart."""
    inputs = [resource.get("inputs") or {} for resource in resources if resource["type"] == RELEASE]
    found = {str(each.get("chart") or "").rpartition("/")[2]: each.get("values") or {} for each in inputs}
    return {chart: found[chart] for chart in STAND_INS if chart in found}


def install(cluster: Cluster, charts: Sequence[str], values: Values, within: float = 1800.0) -> list[str]:
    """Installs what stands in for each chart, waits until it is ready, and gives the lines that say so.

    Raises `Refused` for a chart that nothing stands in for, one that does not become ready, and a cluster that is not a node
    of our own: there the charts themselves come, with Pulumi's own provider.
    """
    if cluster.using in (Using.KIND, Using.CONTEXT):
        fix = "bring the stack up with `pulumi up`: there the charts themselves are installed"
        summary = "only a node of our own needs stand-ins for charts"
        raise Refused(
            Problem(summary=summary, found=f"{cluster.name} is {cluster.using.value}", fix=fix), ExitCode.USAGE
        )
    question = {"do": "install", "charts": list(charts), "values": dict(values)}
    told = control.ask(cluster.layout.control, question, within=within)
    if told is None:
        raise absent(cluster)
    return [str(line) for line in told["lines"]]
