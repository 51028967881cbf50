"""Every image and chart that a stack deploys is looked at, and one that cannot run where it lands is refused."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
import yaml

from core.problem import Refused
from core.versions import CHART_IMAGES, CHARTS, IMAGES
from infra.loaded import LoadedStack
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops.doctor.checks import Check, Status
from ops.images import deployed as images
from ops.images.deployed import Nodes, Wanted, checks, declared, nodes, wanted
from ops.images.oci import Manifest, Missing, Unread
from ops.images.pins import Pin, refresh, written
from tests.roots import ROOT

BOTH = ("amd64", "arm64")
MOVED = "sha256:" + "0" * 64
NOT_RUN = {
    "crds.upgradeJob.image.busybox": "the upgrade job is off",
    "grafana.downloadDashboardsImage": "no dashboard is downloaded",
    "grafana.imageRenderer.image": "the renderer is off",
    "grafana.initChownData.image": "off: it would run as root",
    "grafana.testFramework.image": "off",
    "kube-state-metrics.kubeRBACProxy.image": "off",
    "prometheus-node-exporter.kubeRBACProxy.image": "off",
    "prometheus-node-exporter.permissionInitContainer.image": "off",
    "prometheusOperator.admissionWebhooks.deployment.image": "the operator serves its webhooks itself",
    "prometheusOperator.thanosImage": "there is no Thanos",
    "thanosRuler.thanosRulerSpec.image": "there is no Thanos",
    "nfd.image": "the device plugin's node feature discovery is off",
    "dashboard.image": "Argo Rollouts' dashboard is off",
    "global.images.ratelimit.image": "no route of ours has a limit that is shared",
}
"""Images that the charts' values name and that our values do not run, each with the reason."""


@functools.cache
def stack(name: str) -> Stack:
    return Stack.read(StackFile.read(ROOT / f"Pulumi.{name}.yaml"))


def loaded(of: Stack) -> LoadedStack:
    return LoadedStack(name="trial", stack=of)


@functools.cache
def found(name: str) -> dict[str, Wanted]:
    return {each.name: each for each in wanted(loaded(stack(name)))}


def answering(**architectures: tuple[str, ...]) -> images.Read:
    """Registries in which everything that core/versions.py pins is there; an image is built for both unless said otherwise."""

    def read(repository: str, reference: str) -> Manifest:
        name = repository.rpartition("/")[2]
        pinned = {f"{each.repository}/{each.name}".removeprefix("oci://"): each for each in CHARTS.values()}
        if repository in pinned:
            chart = pinned[repository]
            return Manifest(digest=chart.digest or MOVED, chart=(chart.name, chart.version))
        digests = {one.image.repository: one.image_digest for one in CHARTS.values() if one.image}
        return Manifest(digest=digests.get(repository, MOVED), architectures=architectures.get(name, BOTH))

    return read


def silent(repository: str, reference: str) -> Manifest:
    raise Unread(f"{repository.partition('/')[0]}: ConnectionError")


def status(read: images.Read, name: str = "prod") -> dict[str, Check]:
    return {check.name: check for check in checks(found(name).values(), read)}


def test_prods_registry_needs_what_its_general_pool_is_built_of() -> None:
    assert found("prod")["mlflow"].needs == {"arm64"}
    assert found("prod")["dcgm-exporter"].needs == {"amd64"}
    assert found("prod")["karpenter"].needs == {"arm64"}
    assert found("prod")["node-exporter"].needs == {"amd64", "arm64"}
    assert found("prod")["efa-device-plugin"].needs == {"amd64"}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_image_and_chart_of_a_stack_is_pinned_and_fits_or_is_named(name: str) -> None:
    for read in (answering(), silent):
        told = status(read, name)
        assert set(told) == {each.name if each.chart else f"image {each.name}" for each in found(name).values()}
        for each in found(name).values():
            check = told[each.name if each.chart else f"image {each.name}"]
            if check.status is Status.OK:
                assert each.pinned
                assert each.chart or read is not silent or each.needs <= set(each.known)
            else:
                assert check.status is Status.WARN and check.found


def test_nothing_is_looked_at_twice_and_every_chart_is_looked_at() -> None:
    for name in ("dev", "prod"):
        everything = list(found(name).values())
        assert len({(wanted.repository, wanted.tag) for wanted in everything}) == len(everything)
    both = [*found("dev").values(), *found("prod").values()]
    assert {wanted.chart[0] for wanted in both if wanted.chart} == CHARTS.keys()
    # Envoy is an image of Envoy Gateway's own object, and llama.cpp runs on a cluster of one's own.
    assert {wanted.name for wanted in both} >= set(IMAGES) - {"envoy", "llama-cpp"}


def test_an_image_that_is_not_built_for_its_nodes_is_refused() -> None:
    check = status(answering(mlflow=("amd64",)))["image mlflow"]
    assert check.status is Status.FAIL
    assert "amd64, not arm64" in check.found
    assert status(answering(mlflow=("arm64",)))["image mlflow"].status is Status.WARN, "nothing pins it yet"


def test_what_nobody_can_read_is_named_as_unchecked() -> None:
    check = status(silent)["image mlflow"]
    assert (check.status, check.stops) == (Status.WARN, False)
    assert "unchecked" in check.found and "arm64" in check.found and "ConnectionError" in check.found


def test_a_pin_that_its_registry_does_not_have_is_refused() -> None:
    def gone(repository: str, reference: str) -> Manifest:
        if repository.endswith("/karpenter") and reference.startswith("1."):
            raise Missing(f"{repository}: the registry has no manifest {reference}")
        return answering()(repository, reference)

    assert status(gone)["chart karpenter"].status is Status.FAIL


def test_a_tag_that_has_moved_is_told_and_the_pinned_image_is_the_one_that_is_judged() -> None:
    def moved(repository: str, reference: str) -> Manifest:
        pinned = answering()(repository, reference)
        return pinned if reference.startswith("sha256:") else Manifest(digest=MOVED, architectures=())

    check = status(moved)["image dcgm-exporter"]
    assert check.status is Status.OK
    assert f"the tag now names {MOVED}" in check.found


def test_another_chart_under_the_name_of_ours_is_refused() -> None:
    def other(repository: str, reference: str) -> Manifest:
        said = answering()(repository, reference)
        return Manifest(digest=said.digest, chart=("other", "1")) if said.chart else said

    assert status(other)["chart karpenter"].status is Status.FAIL


@pytest.mark.parametrize(
    ("selector", "tolerations", "lands"),
    [
        ({}, [], False),
        ({}, [{"key": "t", "operator": "Exists"}], True),
        ({}, [{"operator": "Exists"}], True),
        ({"a": "1"}, [{"key": "t"}], True),
        ({"a": "2"}, [{"key": "t"}], False),
        ({"b": "1"}, [{"key": "t"}], False),
    ],
)
def test_a_pod_lands_where_its_selector_fits_and_every_taint_is_tolerated(
    selector: dict[str, str], tolerations: list[dict[str, Any]], lands: bool
) -> None:
    node = Nodes(name="n", architectures=frozenset({"amd64"}), labels={"a": "1"}, taints=frozenset({"t"}))
    assert node.takes(selector, tolerations) is lands


def test_every_pool_and_the_system_nodes_are_looked_at() -> None:
    assert {node.name for node in nodes(stack("prod"), declared(loaded(stack("prod"))))} == {
        "system",
        "general-on-demand",
        "chat-spot",
        "chat-on-demand",
        "embed-spot",
        "tune-reserved",
    }


@pytest.mark.parametrize("chart", sorted({*CHART_IMAGES, *(name for name, each in CHARTS.items() if each.image)}))
def test_the_images_of_a_chart_are_those_of_its_own_values(chart: str) -> None:
    facts = json.loads((ROOT / "kube" / "data" / "charts" / f"{chart}.json").read_text())["images"]
    own = CHARTS[chart].image
    known = [*CHART_IMAGES.get(chart, ()), *([own] if own else [])]
    said = {value for where, value in facts.items() if where not in NOT_RUN}
    assert {f"{image.repository.partition('/')[2]}:{image.tag}" for image in known} == said


def test_what_registries_say_is_written_beside_the_entry_and_nothing_else_changes() -> None:
    text = (ROOT / "core/versions.py").read_text()
    read = refresh(answering(mlflow=("amd64",)), accept=["karpenter"])
    after = written(text, read.pins)
    space: dict[str, Any] = {}
    exec(compile(after, "core/versions.py", "exec"), space)  # noqa: S102 - our own file, as it would be written
    assert (space["IMAGES"]["mlflow"].digest, space["IMAGES"]["mlflow"].architectures) == (MOVED, ("amd64",))
    assert space["CHARTS"]["dcgm-exporter"].architectures == BOTH
    assert space["CHARTS"]["dcgm-exporter"].image_digest == CHARTS["dcgm-exporter"].image_digest
    assert space["CHARTS"]["karpenter-crd"].crds == CHARTS["karpenter-crd"].crds
    assert [line for line in text.splitlines() if "#" in line] == [line for line in after.splitlines() if "#" in line]
    assert space["ADDONS"].keys() == {"1.36"}
    same = [pin for pin in read.pins if not list(pin.moved())]
    assert written(text, same) == text


def test_a_digest_that_its_tag_no_longer_names_is_refused_until_somebody_has_looked() -> None:
    def moved(repository: str, reference: str) -> Manifest:
        return Manifest(digest=MOVED, architectures=BOTH)

    with pytest.raises(Refused) as refused:
        refresh(moved)
    names = {problem.where.rpartition(" ")[2] for problem in refused.value.problems}
    assert names == {"karpenter", "karpenter-crd", "nvidia-device-plugin", "dcgm-exporter"}
    assert refresh(moved, accept=names).pins


def test_an_entry_that_nobody_answers_for_keeps_what_it_has_and_is_named() -> None:
    read = refresh(silent)
    assert all(list(pin.moved()) == [] for pin in read.pins)
    assert any(each.startswith("mlflow: ghcr.io") for each in read.unread)
    assert any("kube-prometheus-stack" in each and "no digests" in each for each in read.unread)


def test_an_entry_that_is_not_there_cannot_be_written() -> None:
    with pytest.raises(KeyError):
        written("IMAGES = {}", [Pin(kind="Image", name="mlflow", values={"digest": MOVED})])


def test_a_stack_on_arm64_gpus_needs_images_for_them() -> None:
    platform = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["modelyard:platform"]
    pool = {**platform["gpuPools"]["chat"], "instanceTypes": ["g5g.xlarge"]}
    arm = Stack.of({**platform, "gpuPools": {"chat": pool}, "registry": None, "releases": []}, "us-east-1")
    needs = {each.name: each.needs for each in wanted(loaded(arm))}
    assert needs["dcgm-exporter"] == needs["nvidia-device-plugin"] == {"arm64"}


def test_the_page_names_exactly_what_has_no_digest() -> None:
    said = (ROOT / "docs" / "images.md").read_text().partition("## What has not been read")[2]
    images = {image.name: image.digest for image in IMAGES.values()}
    digests = {**images, **{chart.name: chart.digest for chart in CHARTS.values()}}
    for name, digest in digests.items():
        assert (f"`{name}`" in said) is (digest == ""), name
    assert ("arm64 has not been" in said.replace("\n", " ")) is ("arm64" not in IMAGES["mlflow"].architectures)


def test_the_envoys_of_a_gateway_are_looked_at_too() -> None:
    dev = {each.name: each for each in wanted(loaded(stack("dev")))}
    assert dev["envoy"].repository == "docker.io/envoyproxy/envoy"
    assert dev["envoy"].needs
