"""Everything that a stack of this repository can declare, found by running the programs: no list to keep beside them."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import yaml

from infra import declared as declaring
from infra import plan as planning
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from policies.guard.ceilings import Bounds
from sandbox.aws.cloud import AwsCloud
from sandbox.items import ItemStore
from tests.infra.test_plan import VARIANTS
from tests.roots import ROOT

CACHE = ROOT / ".sandbox" / "cache"
FILES = {
    **{path.name.split(".")[1]: path for path in sorted(ROOT.glob("Pulumi.*.yaml"))},
    **{path.stem: path for path in sorted((ROOT / "tests" / "engine" / "stacks").glob("*.yaml"))},
}
"""Stack files by name: the repository's own, and those on a network or a cluster that somebody else made."""

SHAPES = tuple(name for name, change in VARIANTS.items() if set(change) - {"generalPool", "gpuPools", "usage"})
"""Variants of dev that declare more than other pools; each declaration takes a second."""

PLATFORMS = (*FILES, *SHAPES)
"""What is walked: every stack file, and every variant of dev that has another shape."""


@functools.cache
def resources(name: str) -> tuple[Declared, ...]:
    """All that one stack declares, whatever it may cost; what it looks up is what the simulated account has."""
    unbounded = Bounds(stack="dev", environment="dev", budget=Decimal(10**9), ceiling=Decimal(10**9))
    with (
        mock.patch.object(planning.Plan, "bounds", lambda *_, **__: unbounded),
        mock.patch.object(declaring._Answers, "call", _looked_up),
    ):
        declared_resources = declare(lambda: build(plan(_stack(name), guard())), project="modelyard", stack="dev")
    return tuple(declared_resources.values())


def of_aws(name: str) -> Iterator[Declared]:
    """The resources of AWS among them."""
    return (resource for resource in resources(name) if resource.token.startswith("aws:"))


def _stack(name: str) -> Stack:
    if name in FILES:
        return Stack.read(StackFile.read(FILES[name]))
    config = yaml.safe_load(FILES["dev"].read_text())["config"]
    stack = Stack.of({**copy.deepcopy(config["modelyard:platform"]), **VARIANTS[name]}, config["aws:region"])
    return Stack(
        settings=stack.settings,
        aws=stack.aws,
        raw=stack.raw,
        pools=stack.pools,
        prompts=_stack("dev").prompts,
        releases=stack.releases,
    )


@functools.cache
def _account() -> AwsCloud:
    cloud = AwsCloud(ItemStore(Path(tempfile.mkdtemp())), CACHE)
    cloud.configure({"region": "us-east-1"})
    return cloud


def _looked_up(_: Any, args: pulumi.runtime.MockCallArgs) -> tuple[Mapping[str, Any], list[tuple[str, str]] | None]:
    if not args.token.startswith("aws:"):
        return dict(args.args), []
    return _account().invoke(args.token, dict(args.args)), []
