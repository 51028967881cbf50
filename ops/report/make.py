"""Turns what a preview has found out into a report; everything that a reader will see is free of secrets from here on."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pulumi.automation.events import StepEventMetadata

from core.problem import ExitCode, Problem, Refused
from ops.cost.report import Report as Bill
from ops.engine.automation import Outcome
from ops.engine.events import Diagnostic, EngineEvents, Violation
from ops.report import changes, redact
from ops.report.deployed import DeployedBill
from ops.report.model import (
    Amounts,
    Cost,
    CostChange,
    ExemptionRow,
    JudgingCheckout,
    Policies,
    PolicyRow,
    Report,
    Told,
    Verdict,
)
from policies.guard.model import Guard
from pricing.items.cost import cents

KEPT = frozenset({"priceBook", "revision"})
"""Fields that hold a digest of ours, which looks like a key."""
WORDS = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Everything that is known when a preview has ended, however it ended.

    `failed` is what ended it before the engine could: a refusal of the program, or a fault of ours. `rules` is the number of
    rules that were asked; 0 when no pack was.
    """

    world: str
    simulated: bool
    stack: str
    full: str
    outcome: Outcome | None = None
    failed: Exception | None = None
    bill: Bill | None = None
    deployed: DeployedBill = field(default_factory=DeployedBill)
    guard: Guard | None = None
    rules: int = 0
    judge: JudgingCheckout | None = None
    today: datetime.date = field(default_factory=datetime.date.today)


def make(found: Found) -> Report:
    """The report on a preview."""
    events = found.outcome.events if found.outcome else EngineEvents(True)
    details = events.details
    dangers, groups = list(changes.dangers(details.values())), changes.groups(details.values(), events.parents)
    counts = _counts(events, details)
    verdict = _verdict(found, events, counts)
    refusals, faults = _failed(found.failed)
    refusals += [
        Told(summary=refusal, about="the judging checkout") for refusal in (found.judge.refusals if found.judge else [])
    ]
    errors = [*faults, *_told(events.errors)]
    cost = _cost(found.bill, found.deployed) if found.bill else None
    report = Report(
        world=found.world,
        simulated=found.simulated,
        stack=found.stack,
        verdict=verdict,
        headline=_headline(verdict, events, refusals, errors, counts, cost, len(dangers)),
        notices=list(_notices(found, verdict)),
        counts=counts,
        unchanged=events.changes.get("same", 0),
        judge=found.judge,
        refusals=refusals,
        errors=errors,
        warnings=_told(events.warnings),
        cost=cost,
        policies=_policies(found, events),
        dangers=dangers,
        groups=groups,
        notes=sorted(note.message for note in events.notes),
        full=found.full,
        seconds=round(found.outcome.seconds, 1) if found.outcome else 0.0,
    )
    return Report.model_validate(clean(report.model_dump(mode="json", by_alias=True)))


def clean(value: Any, key: str = "") -> Any:
    """A report's JSON with every text looked through once more: what no part of it should hold is in none of it."""
    if isinstance(value, dict):
        return {redact.text(name): clean(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [clean(inner, key) for inner in value]
    return redact.text(value) if isinstance(value, str) and key not in KEPT else value


def _verdict(found: Found, events: EngineEvents, counts: Mapping[str, int]) -> Verdict:
    failed = found.failed
    judged = bool(found.judge and found.judge.refusals)
    if (isinstance(failed, Refused) and failed.code is ExitCode.REFUSED) or events.mandatory or judged:
        return Verdict.REFUSED
    if failed is not None or found.outcome is None or not found.outcome.ok:
        return Verdict.FAILED
    if (found.judge and found.judge.unknown) or not found.rules or (found.bill and found.bill.unpriced):
        return Verdict.UNDETERMINED
    return Verdict.PASSES if counts else Verdict.NOTHING


def _headline(
    verdict: Verdict,
    events: EngineEvents,
    refusals: Sequence[Told],
    errors: Sequence[Told],
    counts: Mapping[str, int],
    cost: Cost | None,
    dangers: int,
) -> str:
    if verdict is Verdict.REFUSED:
        rules = list(dict.fromkeys(violation.policy for violation in events.mandatory))
        if rules:
            return f"REFUSED by {len(rules)} rule{'s' * (len(rules) > 1)}: {', '.join(rules)}"
        first = refusals[0] if refusals else Told(summary="the program refuses")
        return f"REFUSED: {': '.join(filter(None, (first.about, first.summary)))}"
    if verdict is Verdict.FAILED:
        first = errors[0] if errors else (refusals[0] if refusals else Told(summary="the preview failed"))
        return f"FAILED: {': '.join(filter(None, (first.about, first.summary)))}"
    parts = [", ".join(f"{count} {WORDS.get(op, op)}" for op, count in counts.items()) or "nothing changes"]
    if cost:
        moved = f" ({cost.change.maximum:+f})" if cost.change and cost.change.maximum else ""
        parts.append(f"at most {cost.planned.maximum:f} USD a month{moved}, {cost.left:f} USD left of the {cost.binds}")
    if dangers:
        parts.append(f"{dangers} change{'s' * (dangers > 1)} to read first")
    said = "; ".join(parts)
    return f"UNDETERMINED, a guardian has to approve: {said}" if verdict is Verdict.UNDETERMINED else said


def _notices(found: Found, verdict: Verdict) -> Iterator[str]:
    if not found.rules and verdict is not Verdict.FAILED and found.failed is None:
        yield "No policy pack was asked, so nothing here is judged."
    if found.bill and found.bill.unpriced:
        yield f"{len(found.bill.unpriced)} lines of the bill have no price, and an unknown cost fits no budget."
    if found.judge and found.judge.unknown:
        yield "The judging checkout does not know everything that this stack file says; a guardian has to approve it."


def _counts(events: EngineEvents, details: Mapping[str, StepEventMetadata]) -> dict[str, int]:
    """By operation as the engine's summary has them; counted here when it ended before it could sum up."""
    counts = dict(events.changes) or dict(Counter(changes.operation(detail) for detail in details.values()))
    hidden = {"same", "read", "refresh", "create-replacement", "delete-replaced"}
    return {op: counts[op] for op in sorted(counts, key=changes.gravity) if op not in hidden and counts[op]}


def _failed(failed: Exception | None) -> tuple[list[Told], list[Told]]:
    """What ended the preview early, as refusals or as errors."""
    if failed is None:
        return [], []
    if isinstance(failed, Refused):
        told = [_problem(problem) for problem in failed.problems]
        return (told, []) if failed.code is ExitCode.REFUSED else ([], told)
    return [], [Told(summary=f"modelyard itself failed: {type(failed).__name__}: {failed}")]


def _problem(problem: Problem) -> Told:
    head, *details = problem.text().splitlines()
    about, summary = problem.place, problem.summary
    return Told(summary=summary or head, about=about, details=[line.strip() for line in details])


def _told(said: Sequence[Diagnostic]) -> list[Told]:
    told = []
    for diagnostic in said:
        head, *details = diagnostic.message.splitlines() or [""]
        told.append(Told(summary=head, about=changes.short(diagnostic.urn), details=[line.strip() for line in details]))
    return told


def _cost(bill: Bill, deployed: DeployedBill) -> Cost:
    planned, before, named = bill.total, deployed.amounts, deployed.components
    after = {component.name: component.amounts.maximum for component in bill.components}
    moved = [
        CostChange(
            name=name,
            before=cents(named[name]) if name in named else None,
            after=after.get(name, Decimal(0)),
            change=after.get(name, Decimal(0)) - cents(named.get(name, Decimal(0))),
        )
        for name in {**after, **named}
        if named or before is None
    ]
    moved.sort(key=lambda change: (-abs(change.change), change.name))
    return Cost(
        planned=Amounts(minimum=planned.minimum, expected=planned.expected, maximum=planned.maximum),
        deployed=before,
        change=Amounts(
            minimum=planned.minimum - (before.minimum if before else 0),
            expected=planned.expected - (before.expected if before else 0),
            maximum=planned.maximum - (before.maximum if before else 0),
        ),
        budget=bill.budget.monthly,
        ceiling=bill.budget.ceiling,
        binds=bill.budget.binds,
        left=bill.budget.left,
        unpriced=len(bill.unpriced),
        price_book=bill.price_book,
        components=[change for change in moved if change.change],
    )


def _policies(found: Found, events: EngineEvents) -> Policies:
    by_rule: dict[tuple[str, bool], list[Violation]] = {}
    for violation in events.violations:
        by_rule.setdefault((violation.policy, violation.mandatory), []).append(violation)
    rows = [
        PolicyRow(
            rule=rule,
            mandatory=mandatory,
            resources=[short for each in said if (short := changes.short(each.urn)) and ":Stack " not in short],
            count=len(said),
            message=said[0].message,
        )
        for (rule, mandatory), said in sorted(by_rule.items(), key=lambda item: (not item[0][1], item[0][0]))
    ]
    judged = bool(found.rules) and found.outcome is not None
    return Policies(
        judged=judged,
        passed=max(0, found.rules - len({rule for rule, _ in by_rule}))
        if judged and found.outcome and found.outcome.ok
        else 0,
        rows=rows,
        exemptions=list(_exemptions(found)),
    )


def _exemptions(found: Found) -> Iterator[ExemptionRow]:
    environment = found.bill.environment if found.bill else ""
    if found.guard is None or not environment:
        return
    for exemption in found.guard.exemptions:
        if environment in exemption.environments:
            yield _row(
                f"{exemption.rule} for {exemption.resource}",
                exemption.owner,
                exemption.reason,
                exemption.expires,
                found.today,
            )
    for room in found.guard.budget_exemptions:
        if room.environment == environment:
            what = f"budget of {environment} up to {room.monthly_usd:f} USD a month"
            yield _row(what, room.owner, room.reason, room.expires, found.today)


def _row(what: str, owner: str, reason: str, expires: datetime.date, today: datetime.date) -> ExemptionRow:
    return ExemptionRow(what=what, owner=owner, reason=reason, expires=expires.isoformat(), expired=today > expires)
