"""What a report says, as one value: every renderer and the JSON schema read this and nothing else.

python -m ops.report.model            writes docs/schema/report.json, the schema of the JSON report
"""

from __future__ import annotations

import enum
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from core import inert

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schema" / "report.json"


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


Usd = Annotated[Decimal, Field(ge=-(10**12), le=10**12, max_digits=40, allow_inf_nan=False)]
"""USD a month; a report from a job that nobody trusts may say anything, and no number of it may be too long to write."""
Count = Annotated[int, Field(ge=0, le=10**9)]


class Verdict(enum.Enum):
    """What the preview says of an `up`."""

    PASSES = "passes"
    NOTHING = "nothingChanges"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"
    FAILED = "failed"


class Amounts(_Part):
    """USD a month, in cents."""

    minimum: Usd
    expected: Usd
    maximum: Usd


class CostChange(_Part):
    """The most that one component can cost, USD a month; `before` is null where nothing is deployed."""

    name: str
    before: Usd | None
    after: Usd
    change: Usd


class Cost(_Part):
    """What the stack would cost, against what is deployed and what it may cost (USD a month)."""

    planned: Amounts
    deployed: Amounts | None
    """What the deployed stack says that it costs; null when nothing is deployed."""
    change: Amounts | None
    budget: Usd
    """The stack file's budget."""
    ceiling: Usd
    """The guard file's ceiling for the environment."""
    binds: str
    """`budget` or `ceiling`: the stricter one."""
    left: Usd
    """What the maximum leaves of the stricter one."""
    unpriced: Count
    """Lines of the bill without a price."""
    price_book: str
    components: list[CostChange] = Field(default_factory=list)
    """Components whose maximum changes, the greatest change first."""
    more_components: Count = 0


class Told(_Part):
    """Something that the program, a provider or the engine has said."""

    summary: str
    about: str = ""
    """The resource or the setting."""
    details: list[str] = Field(default_factory=list)


class PolicyRow(_Part):
    """What one rule has against the stack."""

    rule: str
    mandatory: bool
    resources: list[str]
    """The resources that it names, the first few; empty when it is about the stack."""
    count: Count
    message: str
    """What it says, of the first resource."""


class ExemptionRow(_Part):
    """An entry of the guard file that lets something pass in this environment."""

    what: str
    owner: str
    reason: str
    expires: str
    expired: bool


class Policies(_Part):
    """What the packs say, and what they leave out."""

    judged: bool = True
    """Whether the packs were asked at all: they are not when the program refuses first."""
    passed: Count = 0
    """Rules with nothing to say."""
    rows: list[PolicyRow] = Field(default_factory=list)
    more_rows: Count = 0
    exemptions: list[ExemptionRow] = Field(default_factory=list)


class Hazard(enum.Enum):
    """Why a change is set apart."""

    REPLACE = "replace"
    DELETE = "delete"
    PROTECTED = "protected"
    UNPROTECT = "unprotect"
    NODES = "replacesNodes"
    DATABASE = "database"
    DATA = "holdsData"


class Danger(_Part):
    """A change that should be read before any other."""

    hazards: list[Hazard]
    resource: str
    why: str


class Property(_Part):
    """One property that differs; `before` or `after` is null where it is not there. `lines` is a diff of a longer text."""

    path: str
    before: str | None = None
    after: str | None = None
    lines: list[str] = Field(default_factory=list)


class Change(_Part):
    """One resource that changes."""

    op: str
    type: str
    name: str
    properties: list[Property] = Field(default_factory=list)
    more_properties: Count = 0


class Group(_Part):
    """The changes in one component; `counts` by operation, of all of them."""

    name: str
    counts: dict[str, Count]
    changes: list[Change] = Field(default_factory=list)
    more_changes: Count = 0


class Guarded(_Part):
    """A file that decides what may be deployed, and that differs from the judging checkout's."""

    path: str
    how: str
    """`added`, `changed` or `removed`."""


class JudgingCheckout(_Part):
    """The checkout whose packs, guard file, Specs and prices have judged, when it is another than the program's."""

    revision: str
    changed: list[Guarded] = Field(default_factory=list)
    more_changed: Count = 0
    guardians: list[str] = Field(default_factory=list)
    """Who owns the files that differ, and has to read the change."""
    unknown: list[str] = Field(default_factory=list)
    """Settings that the judging checkout does not know, or takes otherwise."""
    refusals: list[str] = Field(default_factory=list)
    """What its own ceilings and prices have against the stack file."""


class Report(_Part):
    """What `up` would do to one stack, and what is said to it."""

    version: Literal[1] = 1
    """Version of this format."""
    world: str
    """Where the stack is, in words."""
    simulated: bool
    stack: str
    verdict: Verdict
    headline: str
    """The verdict in one sentence."""
    notices: list[str] = Field(default_factory=list)
    """What a reader must know before anything else."""
    counts: dict[str, Count] = Field(default_factory=dict)
    """Resources by operation."""
    unchanged: Count = 0
    judge: JudgingCheckout | None = None
    refusals: list[Told] = Field(default_factory=list)
    """Why the program itself refuses."""
    errors: list[Told] = Field(default_factory=list)
    warnings: list[Told] = Field(default_factory=list)
    more_told: Count = 0
    """Refusals, errors and warnings that are left out."""
    cost: Cost | None = None
    policies: Policies = Field(default_factory=Policies)
    dangers: list[Danger] = Field(default_factory=list)
    more_dangers: Count = 0
    groups: list[Group] = Field(default_factory=list)
    more_groups: Count = 0
    notes: list[str] = Field(default_factory=list)
    """The arithmetic of what is planned."""
    shortened: bool = False
    """Whether something was left out to keep the report short."""
    full: str = ""
    """The command that shows everything."""
    seconds: float = Field(default=0.0, ge=0, le=10**7, allow_inf_nan=False)


def as_json(report: Report) -> str:
    """The report for a machine: docs/schema/report.json describes it; amounts are decimal strings."""
    return inert.as_json(json.dumps(report.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False)) + "\n"


def schema() -> str:
    """The schema of the JSON report."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(by_alias=True, mode="serialization"),
    }
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
