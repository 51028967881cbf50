"""Bills of a few resources, for tests that say what each costs."""

from __future__ import annotations

import datetime
from typing import Any

from pricing.bill.estimate import Estimate, estimate
from pricing.book.book import PriceBook
from pricing.items.cost import cents
from pricing.items.graph import Graph
from pricing.items.usage import Usage

BOOK = PriceBook.embedded("us-east-1")
DAY = datetime.date(2026, 11, 24)
Resource = tuple[str, dict[str, Any]]
STORAGE_CLASS, DEFAULT = "kubernetes:storage.k8s.io/v1:StorageClass", "storageclass.kubernetes.io/is-default-class"


def bill(*resources: Resource, day: datetime.date = DAY, usage: Usage | None = None) -> Estimate:
    """The bill of resources, each a type token and inputs; a resource depends on all before it."""
    records = [
        {
            "urn": f"urn:{place}",
            "type": token,
            "name": f"r{place}",
            "inputs": inputs,
            "depends": [f"urn:{each}" for each in range(place)],
        }
        for place, (token, inputs) in enumerate(resources)
    ]
    return estimate(Graph.of(records), BOOK, day, usage or Usage())


def amounts(*resources: Resource, **more: Any) -> tuple[str, str, str]:
    """At least, as expected and at most, in USD to the cent; every line must have a price."""
    sums = bill(*resources, **more).totals
    assert sums.complete, [item.assumptions for item in sums.unpriced]
    least, likely, most = (f"{cents(amount):f}" for amount in (sums.minimum, sums.expected, sums.maximum))
    return least, likely, most


def why(*resources: Resource, **more: Any) -> str:
    """Why the bill has lines without a price; it must have one."""
    unpriced = bill(*resources, **more).totals.unpriced
    assert unpriced
    return " | ".join("; ".join(item.assumptions) for item in unpriced)


def storage_class(
    name: str = "gp3", *, default: bool = False, provisioner: Any = "ebs.csi.aws.com", **parameters: Any
) -> Resource:
    """A storage class, of EBS unless it says otherwise."""
    annotations = {DEFAULT: "true"} if default else {}
    given = {"type": "gp3", **parameters}
    return STORAGE_CLASS, {
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": provisioner,
        "parameters": {key: value for key, value in given.items() if value is not None},
    }


def claim(size: Any = "100Gi", name: Any = "gp3", **spec: Any) -> dict[str, Any]:
    """What a claim, or a template of one, says."""
    return {"spec": {"storageClassName": name, "resources": {"requests": {"storage": size}}, **spec}}
