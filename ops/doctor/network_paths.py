"""Looks at the network paths that a stack needs: in what it declares, and in the account where others own a part of them."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Mapping
from typing import Any

from core.problem import Refused
from infra.build import build
from infra.declared import as_graph, declare
from infra.loaded import LoadedStack
from ops.doctor import seen_network
from ops.doctor.checks import Answers, Check, Status
from policies.paths.reachable import Path, paths, problems, unseen
from pricing.items.graph import Graph

NAME = "network paths"


def checks(loaded: LoadedStack, account: Answers) -> Iterator[Check]:
    """One check that all is there, or one for each cause that breaks paths, and one for each thing that nobody can see."""
    try:
        paths = judged(loaded, account)
    except Refused as refused:
        # The plan itself cannot be: what it would declare is not known.
        for problem in refused.problems:
            yield Check(
                name=NAME, status=Status.UNKNOWN, found=problem.summary, needed=problem.allowed, fix=problem.fix
            )
        return
    broken, hidden = problems(paths), unseen(paths)
    for problem in broken:
        yield Check(
            name=f"{NAME}: {problem.where}",
            status=Status.FAIL,
            found=f"{problem.summary}; {problem.found}",
            needed=problem.allowed,
            fix=problem.fix,
        )
    for what, names in hidden.items():
        yield Check(
            name=NAME,
            status=Status.WARN,
            found=f"undetermined: {what}",
            needed="; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""),
            fix="ask whoever owns it",
        )
    if not broken and not hidden:
        yield Check(name=NAME, status=Status.OK, found=f"{len(paths)} paths, each with all that carries it")


def judged(loaded: LoadedStack, account: Answers) -> tuple[Path, ...]:
    """Every path that the stack needs, judged over what it declares and what the account shows of the rest."""
    on_aws, environment = loaded.stack.on_aws, loaded.settings.environment.value
    network, cluster = on_aws.network.existing, on_aws.cluster.existing
    seen: list[dict[str, Any]] = []
    if network is not None:
        seen += seen_network.records(account.network(network.vpc_id))
    if cluster is not None:
        seen.append(seen_network.cluster(account.cluster(cluster.name)))
    answers = _answers(account, {each["urn"]: each["inputs"] for each in seen})
    # The declaration runs against a monitor of its own; the engine's, if one is open, must not be touched.
    declared = contextvars.copy_context().run(
        declare, lambda: build(loaded.plan), project="modelyard", stack=environment, answers=answers
    )
    theirs = Graph.of(seen)
    return paths(Graph((*as_graph(declared, texts=True).nodes, *theirs.nodes)))


def _answers(account: Answers, seen: Mapping[str, Mapping[str, Any]]) -> Any:
    """What the program asks of a cloud about things that are there already, answered from the account."""

    def answer(token: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        name = token.rpartition(":")[2]
        if name in {"getVpc", "getSubnet"} and asked.get("id") in seen:
            return {**seen[str(asked["id"])], "id": asked["id"]}
        if name == "getCluster":
            return _as_provider(account.cluster(str(asked["name"])))
        return None

    return answer


def _as_provider(found: Mapping[str, Any]) -> dict[str, Any]:
    config = found["resourcesVpcConfig"]
    return {
        "name": found["name"],
        "id": found["name"],
        "arn": found.get("arn", ""),
        "endpoint": found.get("endpoint", ""),
        "status": found.get("status", ""),
        "version": found.get("version", ""),
        "accessConfigs": [{"authenticationMode": found.get("accessConfig", {}).get("authenticationMode", "")}],
        "certificateAuthorities": [{"data": found.get("certificateAuthority", {}).get("data", "")}],
        "vpcConfig": {
            "vpcId": config.get("vpcId"),
            "subnetIds": config.get("subnetIds", []),
            "clusterSecurityGroupId": config.get("clusterSecurityGroupId"),
        },
    }
