"""What a stack costs, as one report for a person, a machine, a pull request or a browser; opens no engine and no cloud.

python -m ops.cost.report            writes docs/schema/cost.json, the schema of the JSON report
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from core import inert
from core.problem import Problem, Refused
from infra.loaded import LoadedStack
from infra.plan import Plan
from policies.guard import ceilings
from policies.guard.deployed import Deployed
from pricing.bill import age
from pricing.bill import breakdown as shares
from pricing.items.cost import HOURS_PER_MONTH, CostItem, Totals, cents

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schema" / "cost.json"


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, use_attribute_docstrings=True
    )


class Amounts(_Part):
    """USD a month, in cents: at least, as expected, at most. Unpriced lines add nothing."""

    minimum: Decimal
    expected: Decimal
    maximum: Decimal

    @classmethod
    def of(cls, sums: Totals) -> Amounts:
        """The sums, rounded once."""
        return cls(minimum=cents(sums.minimum), expected=cents(sums.expected), maximum=cents(sums.maximum))


class Line(_Part):
    """One line of the bill; amounts are null where there is no price, and `assumptions` say why."""

    role: str
    """The resource and what of it is paid."""
    label: str
    """What it is, in words."""
    quantity: Decimal
    """The most of it in a month."""
    unit: str
    """What the quantity counts."""
    unit_price_usd: Decimal | None
    """Price of one unit."""
    price_as_of: str
    """Day of the price, empty when its source has none."""
    price_source: str
    """Where the price was read."""
    minimum: Decimal | None
    expected: Decimal | None
    maximum: Decimal | None
    assumptions: list[str]
    """What was assumed, with the name of each usage."""


class Component(_Part):
    """One component of the stack, its lines dearest first."""

    name: str
    amounts: Amounts
    lines: list[Line]


class Share(_Part):
    """What one pool, team or environment causes."""

    name: str
    amounts: Amounts


class ReleaseUse(_Part):
    """What a release runs on: its cost is that of those nodes, and stands there already."""

    release: str
    pool: str
    """Its GPU pool, or `general`."""
    gpus: int
    """GPUs that its replicas take of the pool."""


class BudgetPart(_Part):
    """What the stack may cost (USD a month), and how far the maximum reaches."""

    monthly: Decimal
    """The stack file's budget."""
    ceiling: Decimal
    """The guard file's ceiling for the environment."""
    binds: str
    """`budget` or `ceiling`: the stricter one."""
    left: Decimal
    """What is left under the stricter one; below zero when the stack is over it."""
    used_percent: Decimal
    """The maximum as a share of the stricter one."""
    fits: bool
    """Whether the stack may be deployed as far as money goes; false too when something has no price."""


class Change(_Part):
    """The maximum of one component here and in the stack that is compared with; null where it has none."""

    name: str
    here: Decimal | None
    there: Decimal | None
    difference: Decimal


class Comparison(_Part):
    """How this stack differs from another."""

    stack: str
    total: Amounts
    difference: Amounts
    components: list[Change]


class Report(_Part):
    """What a stack costs in a month of 730 hours."""

    version: int = 1
    """Version of this format."""
    stack: str
    environment: str
    region: str
    hours_per_month: int = int(HOURS_PER_MONTH)
    price_book: str
    """Version of the prices: the day that they were read, and a digest of them."""
    total: Amounts
    budget: BudgetPart
    components: list[Component] = Field(default_factory=list)
    """Dearest first."""
    pools: list[Share] = Field(default_factory=list)
    """What each pool causes, and what is shared."""
    teams: list[Share] = Field(default_factory=list)
    """What each team pays: the pools that it owns, and for the stack's owner all the rest (the tag `Owner`)."""
    environments: list[Share] = Field(default_factory=list)
    """What each environment causes (the tag `Environment`); a stack is of one."""
    releases: list[ReleaseUse] = Field(default_factory=list)
    """Which release runs on which pool; none has a line of its own."""
    unpriced: list[str] = Field(default_factory=list)
    """Lines without a price, with the reason of each."""
    refusals: list[str] = Field(default_factory=list)
    """Why the stack may not be deployed, and what would bring it under."""
    warnings: list[str] = Field(default_factory=list)
    """What a reader should know all the same."""
    compared: Comparison | None = None
    """How it differs from another stack, when that was asked for."""


def report(loaded: LoadedStack, compare: LoadedStack | None = None, deployed: Deployed | None = None) -> Report:
    """The report on a stack, compared with another one where given. Raises Refused for one that cannot be.

    Where it is known what is `deployed`, what is no dearer is warned of and not refused.
    """
    planned, day, there = loaded.plan, loaded.today, deployed or Deployed()
    bounds = planned.bounds(day, stack=loaded.name, deployed=there)
    sums, settings = planned.totals, planned.stack.settings
    refusals = list(ceilings.refusals(planned.items, bounds))
    return Report(
        stack=loaded.name,
        environment=settings.environment.value,
        region=planned.stack.region,
        price_book=planned.book.version,
        total=Amounts.of(sums),
        budget=BudgetPart(
            monthly=bounds.budget,
            ceiling=bounds.ceiling,
            binds="budget" if bounds.budget <= bounds.ceiling else "ceiling",
            left=cents(bounds.effective - sums.maximum),
            used_percent=cents(sums.maximum * 100 / bounds.effective) if bounds.effective else Decimal(0),
            fits=not refusals,
        ),
        components=_components(planned.items),
        pools=_shares(planned.items, shares.pool),
        teams=_shares(planned.items, planned.team),
        environments=_shares(planned.items, lambda _: settings.environment.value),
        releases=[
            ReleaseUse(release=name, pool=each.pool or "general", gpus=each.replicas if each.pool else 0)
            for name, each in planned.stack.releases.items()
            if planned.stack.aws
        ],
        unpriced=[f"{item.component} {item.role}: {'; '.join(item.assumptions)}" for item in sums.unpriced],
        refusals=[refusal.text() for refusal in refusals],
        warnings=[
            each.text()
            for each in (
                *(() if refusals else ceilings.warnings(planned.items, bounds)),
                *age.warnings(planned.items, planned.guard.warn_prices_older_than_days, day),
            )
        ],
        compared=_compared(planned, compare) if compare else None,
    )


def other(root: Path, file: Path, compare: str, scratch: Path) -> Path:
    """The stack file that `compare` names: a file, a stack, or this stack's file as it stands at a commit, put into `scratch`.

    Raises Refused when it names none of them.
    """
    named = root / f"Pulumi.{compare}.yaml"
    if compare.endswith((".yaml", ".yml")) or named.is_file():
        return named if named.is_file() else Path(compare)
    show = ["git", "show", "--end-of-options", f"{compare}:{file.name}"]
    done = subprocess.run(show, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        problem = Problem(
            summary="nothing of that name can be compared with",
            found=compare,
            allowed=f"a stack, a stack file, or a commit that has {file.name}",
        )
        raise Refused(problem)
    path = scratch / f"{re.sub(r'[^A-Za-z0-9._-]', '-', compare)}-{file.name}"
    path.write_text(done.stdout, encoding="utf-8")
    return path


def as_json(found: Report) -> str:
    """The report for a machine: docs/schema/cost.json describes it; amounts are decimal strings."""
    return inert.as_json(json.dumps(found.model_dump(mode="json", by_alias=True), indent=2))


def schema() -> str:
    """The schema of the JSON report."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(by_alias=True, mode="serialization"),
    }
    return json.dumps(document, indent=2) + "\n"


def _components(items: Sequence[CostItem]) -> list[Component]:
    components = []
    for name, sums in shares.by(items, shares.component).items():
        own = [item for item in items if item.component == name]
        own.sort(key=lambda item: (item.priced, -(item.maximum or Decimal(0)), item.role))
        components.append(Component(name=name, amounts=Amounts.of(sums), lines=[_line(item) for item in own]))
    return components


def _line(item: CostItem) -> Line:
    price = item.unit_price
    least, likely, most = (
        None if amount is None else cents(amount) for amount in (item.minimum, item.expected, item.maximum)
    )
    return Line(
        role=item.role,
        label=item.label,
        quantity=item.quantity,
        unit=item.unit,
        unit_price_usd=price.usd if price else None,
        price_as_of=price.as_of if price else "",
        price_source=price.source if price else "",
        minimum=least,
        expected=likely,
        maximum=most,
        assumptions=list(item.assumptions),
    )


def _shares(items: Sequence[CostItem], key: Any) -> list[Share]:
    return [Share(name=name, amounts=Amounts.of(sums)) for name, sums in shares.by(items, key).items()]


def _compared(here: Plan, other: LoadedStack) -> Comparison:
    there, file = other.plan, other.stack.file
    ours, theirs = dict(ceilings.by_component(here.items)), dict(ceilings.by_component(there.items))
    zero = Decimal(0)
    changes = [
        Change(
            name=each,
            here=cents(ours[each]) if each in ours else None,
            there=cents(theirs[each]) if each in theirs else None,
            difference=cents(ours.get(each, zero) - theirs.get(each, zero)),
        )
        for each in {**ours, **theirs}
    ]
    changes.sort(key=lambda change: (-abs(change.difference), change.name))
    a, b = here.totals, there.totals
    difference = Amounts(
        minimum=cents(a.minimum - b.minimum),
        expected=cents(a.expected - b.expected),
        maximum=cents(a.maximum - b.maximum),
    )
    name = file.path.name if file else other.name
    return Comparison(stack=name, total=Amounts.of(b), difference=difference, components=changes)


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
