"""The report adds up: nodes, prices from cheapest to dearest, what stays pending, and the exit code that follows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from core.problem import ExitCode
from ops.show import Show
from ops.simulate.answer import page
from ops.simulate.answer.report import SCHEMA, Report, report, schema
from ops.simulate.cluster.pools import Purchase
from ops.simulate.cluster.watch import Timeline
from ops.simulate.command import code
from ops.simulate.workload.load import Load
from pricing.book.book import PriceBook
from tests.ops.simulate.cluster.test_watch import claim

BOOK = PriceBook.embedded("us-east-1")
FULL = "Failed to schedule pod, all available instance types exceed limits for nodepool (NodePool=chat-spot)"


def chat(**more: Any) -> Load:
    selector = {"modelyard.dev/pool": "chat"}
    return Load(name="chat", replicas=3, pod={"metadata": {}, "spec": {"nodeSelector": selector}}, **more)


def pod(name: str, node: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"modelyard.dev/load": "0"}},
        "spec": {"nodeName": node} if node else {},
    }


def node(name: str, chosen: str = "g6e.xlarge", zone: str = "us-east-1a") -> dict[str, Any]:
    made = claim(name, "Registered", "Initialized")
    made["metadata"]["labels"] |= {"node.kubernetes.io/instance-type": chosen, "topology.kubernetes.io/zone": zone}
    made["spec"]["requirements"][0]["values"] = ["g6e.2xlarge", "g6e.xlarge"]
    return made


def of(asked: tuple[Purchase, ...], seen: Timeline, **more: Any) -> Report:
    said = {"stack": "prod", "loads": [chat()], "skipped": (), "undetermined": (), "messages": {}, "spot": True, **more}
    return report(book=BOOK, asked=asked, seen=seen, **said)


@pytest.fixture
def seen() -> Timeline:
    timeline = Timeline()
    timeline.look([node("a")], [pod("load0-0", "a"), pod("load0-1"), pod("load0-2")], 1.5)
    timeline.look(
        [node("a"), node("b", zone="us-east-1b")], [pod("load0-0", "a"), pod("load0-1", "b"), pod("load0-2")], 2.5
    )
    return timeline


def test_equal_nodes_stand_in_one_line_with_their_zones_times_and_options(
    asked: tuple[Purchase, ...], seen: Timeline
) -> None:
    (found,) = of(asked, seen).nodes
    assert (found.node_pool, found.instance_type, found.capacity_type, found.count) == (
        "chat-spot",
        "g6e.xlarge",
        "spot",
        2,
    )
    assert found.zones == {"us-east-1a": 1, "us-east-1b": 1}
    assert (found.first_after_sec, found.last_after_sec) == (1.5, 2.5)
    assert [option.instance_type for option in found.options] == ["g6e.xlarge", "g6e.2xlarge"]


def test_the_price_goes_from_the_types_that_came_to_the_dearest_allowed(
    asked: tuple[Purchase, ...], seen: Timeline
) -> None:
    report = of(asked, seen)
    assert report.hourly_usd.cheapest == 2 * Decimal("1.6119")
    assert report.hourly_usd.dearest == 2 * Decimal("2.182")
    assert report.monthly_usd.cheapest == 730 * report.hourly_usd.cheapest


def test_a_pod_without_a_node_makes_the_load_not_fit_and_its_reason_is_said_once(
    asked: tuple[Purchase, ...], seen: Timeline
) -> None:
    report = of(asked, seen, messages={"load0-2": FULL})
    (load,) = report.loads
    assert not report.fits and (load.placed, load.pending, load.after_sec) == (2, 1, 2.5)
    assert load.reasons == [
        "chat-spot: no room is left under its limit of 10 nvidia.com/gpu (gpuPools.chat.limits.monthlyUsd)"
    ]


def test_when_every_pod_has_a_node_the_load_fits(asked: tuple[Purchase, ...], seen: Timeline) -> None:
    seen.look([node("a"), node("b")], [pod(f"load0-{number}", "a") for number in range(3)], 3.0)
    report = of(asked, seen)
    assert report.fits and report.loads[0].pending == 0 and report.loads[0].reasons == []


def test_the_page_says_first_that_it_is_a_simulation_and_by_whom(
    asked: tuple[Purchase, ...], seen: Timeline, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write(of(asked, seen, messages={"load0-2": FULL}, spot=False), Show())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("SIMULATED by the real Karpenter v1.15.0 with its KWOK provider")
    assert lines[1] == "no spot is to be had"
    text = "\n".join(lines)
    assert "g6e.xlarge  spot    a:1 b:1  2      1.6119      3.22   1.5 to 2.5 s" in text
    assert "in all 3.22 USD an hour, 2353.37 USD in a month of 730 h" in text
    assert "at most 4.36 USD an hour, 3185.72 USD a month" in text
    assert "chat: 1 of 3 pods stay pending; 2 find a node, the last after 2.5 s" in text
    assert "not simulated: nodes and pods are KWOK's" in text


def test_what_is_not_known_about_a_load_or_a_kind_is_said_first(
    asked: tuple[Purchase, ...], seen: Timeline, capsys: pytest.CaptureFixture[str]
) -> None:
    report = of(
        asked, seen, loads=[chat(doubts=("spec.x: nobody knows",))], undetermined=["RayCluster r: it may make pods"]
    )
    assert report.loads[0].undetermined == ["spec.x: nobody knows"]
    page.write(report, Show())
    text = capsys.readouterr().out
    assert "undetermined: RayCluster r: it may make pods" in text
    assert "chat: undetermined; as far as it is simulated, 1 of 3 pods stay pending" in text
    assert "  not known: spec.x: nobody knows" in text


def test_only_an_answer_that_is_certain_and_fits_ends_with_0(asked: tuple[Purchase, ...]) -> None:
    there = Timeline()
    there.look([node("a")], [pod(f"load0-{number}", "a") for number in range(3)], 1.0)
    lacking = Timeline()
    lacking.look([], [pod("load0-0")], 1.0)
    doubtful = [chat(doubts=("spec.resourceClaims: not simulated",))]
    assert code(of(asked, there)) is ExitCode.OK
    assert code(of(asked, lacking)) is ExitCode.PENDING
    assert code(of(asked, there, loads=doubtful)) is ExitCode.UNDETERMINED
    assert code(of(asked, lacking, loads=doubtful)) is ExitCode.UNDETERMINED
    assert code(of(asked, there, undetermined=["RayCluster r: it may make pods"])) is ExitCode.UNDETERMINED


def test_a_pod_with_scheduling_gates_says_that_it_waits_for_them(asked: tuple[Purchase, ...]) -> None:
    gated = Load(
        name="gated",
        replicas=1,
        pod={"metadata": {}, "spec": {"schedulingGates": [{"name": "example.com/a"}, {"name": "example.com/b"}]}},
    )
    waiting = Timeline()
    waiting.look([], [pod("load0-0")], 1.0)
    (load,) = of(asked, waiting, loads=[gated]).loads
    assert load.reasons == ["it waits until its scheduling gates are taken away: example.com/a, example.com/b"]


def test_a_page_without_nodes_says_so(asked: tuple[Purchase, ...], capsys: pytest.CaptureFixture[str]) -> None:
    seen = Timeline()
    seen.look([], [pod(f"load0-{number}") for number in range(3)], 1.0)
    page.write(of(asked, seen), Show())
    text = capsys.readouterr().out
    assert "no node would come" in text and "chat: 3 of 3 pods stay pending; 0 find a node\n" in text


def test_the_published_schema_is_the_reports_own() -> None:
    assert SCHEMA.read_text() == schema()
    assert json.loads(schema())["properties"]["hourlyUsd"]
