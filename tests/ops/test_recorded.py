"""A report names each Helm release that a cluster only has on record."""

from __future__ import annotations

from typing import Any

from ops.recorded import RELEASE, Recorded


def release(**inputs: str) -> dict[str, Any]:
    return {"type": RELEASE, "inputs": inputs}


def test_each_release_of_a_state_is_named_with_its_chart_and_nothing_else_is() -> None:
    other: dict[str, Any] = {"type": "kubernetes:core/v1:Namespace", "inputs": {"metadata": {"name": "b"}}}
    state: list[dict[str, Any]] = [
        release(name="b", namespace="space", chart="oci://registry.example/charts/chart-b", version="1.2.3"),
        other,
        release(name="a", chart="chart-a"),
    ]
    assert [recorded.line for recorded in Recorded.among(state)] == [
        "recorded, not installed: Helm release a (chart-a, namespace default)",
        "recorded, not installed: Helm release b (chart-b 1.2.3, namespace space)",
    ]
    assert Recorded.among(state)[1].as_value() == {
        "name": "b",
        "namespace": "space",
        "chart": "oci://registry.example/charts/chart-b",
        "version": "1.2.3",
    }
    assert Recorded.among([other]) == []
