"""YAML and JSON of others are read by the bounded readers and by nothing else: every exception is here, with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.roots import ROOT

ROOMS = ("components", "core", "engine", "infra", "kube", "mlflow_provider", "ops", "policies", "pricing", "sandbox")
"""What is deployed, or runs beside it. `app/` is a team's; the labs, the examples and the tests are run by who wrote them."""
YAML = {
    "core/yaml_lines.py": "tables of the code, read in C",
    "kube/facts.py": "reads pinned modules once, by hand, to make the tables of the code",
    "sandbox/kubernetes/real/crds.py": "CRDs of pinned modules, whose content go.sum checks",
}
OURS = "a file or an answer of this program itself, or of a process that it started"
OF_CODE = "a table that is part of the code"
OF_AWS = "an answer of AWS, over TLS"
OF_ENGINE = "the engine's own answer"
JUDGED = "a text inside a resource that the engine has parsed already, so no larger than its message"
JSON = {
    "core/plain_json.py": "the bounded reader itself",
    **dict.fromkeys(
        (
            *("sandbox/lock.py", "sandbox/faults.py", "sandbox/items.py", "sandbox/kubernetes/door.py"),
            *("sandbox/node/isolation/keeper.py", "sandbox/node/isolation/inside.py", "sandbox/node/node.py"),
            *("sandbox/node/control.py", "sandbox/programs/toolchain.py", "sandbox/aws/schema.py"),
            *("sandbox/images/archive.py", "sandbox/stack/mlflow_server.py", "sandbox/stack/workdir.py"),
            *(
                "sandbox/stack/session.py",
                "ops/cluster/start.py",
                "ops/cluster/running.py",
                "ops/preview/base_checkout.py",
            ),
            *(
                "ops/registry/importing.py",
                "components/dashboards/render.py",
                "infra/render.py",
                "ops/recover/command.py",
            ),
            *("policies/guard/deployed.py",),
        ),
        OURS,
    ),
    **dict.fromkeys(
        (
            *("components/kinds/lookalikes.py", "components/kinds/aws.py", "components/registry/secrets.py"),
            *("kube/chart_facts.py", "kube/metrics.py", "kube/builtin.py", "kube/custom.py", "kube/facts.py"),
            *("pricing/book/facts.py", "sandbox/kubernetes/real/crds.py"),
        ),
        OF_CODE,
    ),
    **dict.fromkeys(("ops/prices/reader.py", "ops/worlds/cloud.py"), OF_AWS),
    **dict.fromkeys(("ops/engine/automation.py", "ops/registry/reach.py"), OF_ENGINE),
    **dict.fromkeys(
        (
            *("sandbox/aws/cloud.py", "sandbox/aws/rules/documents.py", "sandbox/aws/rules/eks.py"),
            *("sandbox/aws/rules/names.py", "policies/paths/calls.py", "policies/security/tags.py"),
            *("policies/security/access/documents.py", "policies/security/kept.py", "ops/destroy/leftovers.py"),
        ),
        JUDGED,
    ),
    "components/serving/in_cluster/model_fetch.py": "runs in a pod whose memory is bounded, with Python's own library alone",
    "sandbox/kubernetes/real/api.py": "what a kubeconfig's own plugin says, which the caller has chosen to run",
}
FUNCTIONS = {
    "yaml": (
        "load",
        "load_all",
        "safe_load",
        "safe_load_all",
        "full_load",
        "unsafe_load",
        "compose",
        "compose_all",
        "parse",
        "scan",
    ),
    "json": ("load", "loads"),
}


def _calls(module: str) -> Iterator[str]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            if any(_is_call(node, module) for node in ast.walk(tree)):
                yield str(file.relative_to(ROOT))


def _is_call(node: ast.AST, module: str) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == module:
        return any(each.name in FUNCTIONS[module] for each in node.names)
    return (
        isinstance(node, ast.Attribute)
        and node.attr in FUNCTIONS[module]
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    )


def _unknown(module: str, known: dict[str, str]) -> tuple[list[str], list[str]]:
    found = list(_calls(module))
    return sorted(set(found) - set(known)), sorted(set(known) - set(found))


def test_yaml_is_read_by_the_bounded_reader_or_for_a_reason() -> None:
    new, gone = _unknown("yaml", YAML)
    assert not new, "read it with core.plain_yaml or core.yaml_lines"
    assert not gone, "take the exception out"


def test_json_is_read_by_the_bounded_reader_or_for_a_reason() -> None:
    new, gone = _unknown("json", JSON)
    assert not new, "read it with core.plain_json"
    assert not gone, "take the exception out"


def test_no_reader_of_answers_is_left_to_a_library() -> None:
    """`requests` reads a body of any size and depth when it is asked for `.json()`."""
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for room in ("mlflow_provider", "components", "infra", "policies")
        for file in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "json"
    ]
    assert not asked
