"""Every image and chart that a stack deploys, the nodes it can land on, and whether it is pinned and built for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.cluster.addons import CRITICAL_ONLY
from core.versions import CHART_IMAGES, CHARTS, IMAGES, Chart, Image
from infra.build import build
from infra.declared import Declared, declare
from infra.loaded import LoadedStack
from infra.stack.stack import Stack
from kube.charts import name_of
from kube.pods import containers, pod_template
from ops.doctor.checks import Check, Status
from ops.images.oci import Manifest, Missing, Unread
from pricing.capacity.gpus import shape
from pricing.meters.network.gateways import ENVOY_PROXY

RELEASE = "kubernetes:helm.sh/v3:Release"
EVERYWHERE = frozenset(("node-exporter",))
"""Images of charts that run on every node, whatever its taints."""
Read = Callable[[str, str], Manifest]
"""A repository and a tag or digest -> its manifest; see `oci.Registries.manifest`."""


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Nodes that are alike to a scheduler: their architectures, labels and the keys of their taints."""

    name: str
    architectures: frozenset[str]
    labels: Mapping[str, str]
    taints: frozenset[str]

    def takes(self, selector: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]) -> bool:
        """Whether a pod with this selector and these tolerations can land here."""
        tolerated = {toleration.get("key") for toleration in tolerations}
        here = all(self.labels.get(key) == value for key, value in selector.items())
        return here and (None in tolerated or self.taints <= tolerated)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One image or chart: what names it, the architectures that it has to be built for, and whether a digest pins it."""

    name: str
    repository: str
    tag: str
    digest: str = ""
    pinned: bool = False
    known: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    chart: tuple[str, str] | None = None


def nodes(stack: Stack, found: Iterable[Declared]) -> Iterator[Nodes]:
    """The kinds of nodes that a stack brings, as their NodePools and the system group declare them."""
    if stack.on_aws.makes_system_nodes:
        types = stack.on_aws.cluster.system_nodes.instance_types
        yield Nodes(
            name="system",
            architectures=frozenset(known.architecture for each in types if (known := shape(each))),
            labels={"modelyard.dev/role": "system"},
            taints=frozenset({CRITICAL_ONLY["key"]}),
        )
    for declared in found:
        if declared.token.endswith(":NodePool"):
            template = declared.inputs["spec"]["template"]
            (built,) = [one["values"] for one in template["spec"]["requirements"] if one["key"] == "kubernetes.io/arch"]
            yield Nodes(
                name=declared.name,
                architectures=frozenset(built),
                labels=template["metadata"]["labels"],
                taints=frozenset(one["key"] for one in template["spec"].get("taints", ())),
            )


def wanted(loaded: LoadedStack) -> list[Wanted]:
    """Every image of a declared pod, every chart, and every image that a chart is known to run; each once."""
    resources = list(declared(loaded))
    there = list(nodes(loaded.stack, resources))
    named = {f"{image.repository}:{image.tag}": image for image in IMAGES.values()}
    listed: dict[tuple[str, str], Wanted] = {}
    for each in [*_of_pods(resources, there, named), *_of_charts(resources, there)]:
        before = listed.get((each.repository, each.tag))
        needs = each.needs | (before.needs if before else frozenset())
        listed[each.repository, each.tag] = Wanted(**{**vars(each), "needs": needs})
    return list(listed.values())


def declared(loaded: LoadedStack) -> Iterable[Declared]:
    """Everything that the stack declares."""
    environment = loaded.settings.environment.value
    return declare(lambda: build(loaded.plan), project="modelyard", stack=environment).values()


def _of_pods(found: Iterable[Declared], there: Sequence[Nodes], named: Mapping[str, Image]) -> Iterator[Wanted]:
    for declared in found:
        spec = _spec(declared)
        if spec is None:
            continue
        needs = _needs(there, spec.get("nodeSelector", {}), spec.get("tolerations", ()))
        for _, container in containers(spec):
            text, _, digest = container["image"].partition("@")
            repository, _, tag = text.rpartition(":")
            known = named.get(text)
            yield Wanted(
                name=known.name if known else text,
                repository=repository,
                tag=tag,
                digest=digest,
                pinned=bool(digest),
                known=known.architectures if known else (),
                needs=needs,
            )


def _spec(each: Declared) -> Mapping[str, Any] | None:
    """The spec of the pods that an object makes; of an EnvoyProxy, what it says of its Envoys."""
    if each.token == ENVOY_PROXY:
        place = each.inputs["spec"]["provider"]["kubernetes"]["envoyDeployment"]
        return {**place.get("pod", {}), "containers": [place["container"]]}
    template = None if each.token == RELEASE else pod_template(each.inputs)
    return template[1]["spec"] if template else None


def _of_charts(found: Iterable[Declared], there: Sequence[Nodes]) -> Iterator[Wanted]:
    for declared in found:
        if declared.token != RELEASE:
            continue
        chart, values = CHARTS[name_of(declared.inputs["chart"])], declared.inputs.get("values", {})
        yield _chart(chart)
        needs = _needs(there, values.get("nodeSelector", {}), values.get("tolerations", ()))
        if (own := chart.image) is not None:
            yield _image(own, needs, pinned=bool(own.digest))
        for image in CHART_IMAGES.get(chart.name, ()):
            everywhere = frozenset(built for one in there for built in one.architectures)
            yield _image(image, everywhere if image.name in EVERYWHERE else needs, pinned=False)


def _chart(chart: Chart) -> Wanted:
    oci = chart.repository.removeprefix("oci://")
    return Wanted(
        name=f"chart {chart.name}",
        repository=f"{oci}/{chart.name}",
        tag=chart.version,
        digest=chart.digest,
        pinned=bool(chart.digest) and oci != chart.repository,
        chart=(chart.name, chart.version),
    )


def _image(image: Image, needs: frozenset[str], *, pinned: bool) -> Wanted:
    return Wanted(
        name=image.name,
        repository=image.repository,
        tag=image.tag,
        digest=image.digest,
        pinned=pinned,
        known=image.architectures,
        needs=needs,
    )


def _needs(
    there: Sequence[Nodes], selector: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]
) -> frozenset[str]:
    """The architectures of all nodes that a pod can land on: it has to run on whichever it gets."""
    said = list(tolerations)
    return frozenset(built for nodes in there if nodes.takes(selector, said) for built in nodes.architectures)


def checks(found: Iterable[Wanted], read: Read) -> Iterator[Check]:
    """One check for each image and chart: refused when it cannot run, warned of when nobody can say or nothing pins it."""
    for wanted in found:
        yield _check(wanted, read)


def _check(each: Wanted, read: Read) -> Check:
    name, needs = f"image {each.name}" if each.chart is None else each.name, ", ".join(sorted(each.needs))
    if each.repository.startswith("https://"):
        summary = f"{each.tag} unchecked: its repository is plain HTTP, which has no digests"
        return Check(
            name=name, status=Status.WARN, found=summary, fix="take the chart from an OCI registry, if it is in one"
        )
    try:
        now = read(each.repository, each.tag)
        exact = read(each.repository, each.digest) if each.digest and each.digest != now.digest else now
    except Missing as missing:
        return Check(
            name=name, status=Status.FAIL, found=str(missing), fix="correct its version or digest in core/versions.py"
        )
    except Unread as unread:
        return _unread(each, name, needs, str(unread))
    lacking = sorted(each.needs - set(exact.architectures))
    if each.chart is not None and exact.chart != each.chart:
        found = f"{exact.chart} at {each.repository}:{each.tag}"
        return Check(
            name=name, status=Status.FAIL, found=found, needed=str(each.chart), fix="correct it in core/versions.py"
        )
    if lacking and each.chart is None:
        found = f"{each.tag} is built for {', '.join(exact.architectures) or 'nothing that is said'}, not {', '.join(lacking)}"
        fix = "take a version that is, or instance types of another architecture"
        return Check(name=name, status=Status.FAIL, found=found, needed=needs, fix=fix)
    if not each.pinned:
        found = f"{each.tag} is {now.digest}, and nothing pins it"
        return Check(
            name=name, status=Status.WARN, found=found, fix="`modelyard images refresh` writes what can be pinned"
        )
    moved = "" if exact is now else f"; the tag now names {now.digest}"
    return Check(name=name, status=Status.OK, found=f"{each.tag}: {', '.join(exact.architectures) or 'a chart'}{moved}")


def _unread(each: Wanted, name: str, needs: str, why: str) -> Check:
    """What stands in core/versions.py counts when it says enough; else the thing is named as unchecked."""
    if each.pinned and (each.chart is not None or each.needs <= set(each.known)):
        return Check(name=name, status=Status.OK, found=f"{each.tag}, by what core/versions.py says ({why})")
    lacks = [] if each.pinned else ["its digest"]
    if each.chart is None and not each.needs <= set(each.known):
        lacks.append(f"whether it is built for {needs}")
    found = f"{each.tag} unchecked, {' and '.join(lacks)} is not known: {why}"
    return Check(
        name=name, status=Status.WARN, found=found, fix="`modelyard images refresh` from where the registry answers"
    )
