"""The root of the tree: it registers the whole plan before anything else exists, so that a gate can judge it whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """The plan: plain values only. `digest` is the SHA-256 of the settings that the plan was made from; each component's own
    Spec stands with that component, and only what a gate reads stands here.

    `bill` holds the totals and lines of what the settings cost, and the version of the price book; `components` names every
    component of the stack as `Type::name`. `region` is None where there is no AWS.
    """

    environment: str
    owner: str
    region: str | None
    digest: str
    budget: dict[str, Any]
    usage: dict[str, Any]
    bill: dict[str, Any]
    components: list[str]


@pulumi.type_token("modelyard:index:Platform")
class Platform(pulumi.ComponentResource):
    """The whole platform of one environment; every other component stands under it."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = {
            "environment": args.environment,
            "owner": args.owner,
            "region": args.region,
            "digest": args.digest,
            "budget": args.budget,
            "usage": args.usage,
            "bill": args.bill,
            "components": args.components,
        }
        super().__init__("modelyard:index:Platform", name, plan, opts)
        self.register_outputs({})
