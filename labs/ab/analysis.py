"""The verdict: the share of helpful answers of each arm, the effect with its interval, and whether the split can be trusted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import pandas as pd
import tea_tasting as tt

from core.problem import ExitCode
from labs.ab.evidence import Seen
from labs.ab.experiment import Experiment

CONFIDENCE = 0.95
SPLIT_P = 0.001
"""A split as uneven as the one seen, or more, less likely than this: something is wrong with the assignment."""
MOST_LOST = 0.05
"""Share of what an arm's users asked that may have no answer, or no verdict."""
FEWEST_USERS = 2


class Outcome(Enum):
    """What an experiment comes to, and the exit code that says it."""

    WINNER = "winner"
    NO_WINNER = "no winner"
    NOT_TRUSTED = "not trusted"

    @property
    def code(self) -> ExitCode:
        """0, 6 or 3."""
        codes = {Outcome.WINNER: ExitCode.OK, Outcome.NO_WINNER: ExitCode.UNDETERMINED}
        return codes.get(self, ExitCode.REFUSED)


@dataclass(frozen=True)
class Counts:
    """An arm in numbers: `asked` is what the flag dealt to it, the rest is in the registry; `share` is helpful of judged."""

    arm: str
    asked: int
    users: int
    answers: int
    judged: int
    helpful: int

    @property
    def share(self) -> float:
        """0 to 1; 0 without an answer that was judged."""
        return self.helpful / self.judged if self.judged else 0.0


@dataclass(frozen=True)
class Verdict:
    """All that the report says. The effect is treatment less control, in shares (0.1 is ten percentage points).

    A p-value is None when its test was not made.
    """

    outcome: Outcome
    winner: str
    why: str
    control: Counts
    treatment: Counts
    effect: float
    low: float
    high: float
    p_value: float | None
    split_p_value: float | None

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**asdict(self), "outcome": self.outcome.value, "confidence": CONFIDENCE}


def judge(experiment: Experiment, answers: Iterable[Seen], asked: Mapping[str, int]) -> Verdict:
    """The verdict on what was seen. The unit is the user: one who asks twice is one user, not two. `asked` is how
    many questions each arm got: an answer that left no trace is known by it alone.

    Effect and interval: ratio of means by the delta method, over users; split: exact or chi-squared test of users
    against the flag's shares (tea-tasting 1.14, `RatioOfMeans` and `SampleRatio`).
    """
    rows = list(answers)
    control, treatment = (_counts(arm.name, rows, asked.get(arm.name, 0)) for arm in experiment.arms)
    users = _users(rows)
    if doubt := _doubt(control, treatment, rows, experiment):
        return _nothing(doubt, control, treatment)
    control_share, treatment_share = (arm.percent for arm in experiment.arms)
    found = tt.Experiment(
        {
            "helpful": tt.RatioOfMeans("helpful", "judged", use_t=True, confidence_level=CONFIDENCE),
            "split": tt.SampleRatio(treatment_share / control_share),
        }
    ).analyze(users, control=experiment.control.name)
    helpful, split = found["helpful"], float(found["split"].pvalue)
    low, high, p_value = helpful.effect_size_ci_lower, helpful.effect_size_ci_upper, helpful.pvalue
    effect = treatment.share - control.share
    if _alike(users) or not math.isfinite(low + high):
        low, high, p_value = -1.0, 1.0, 1.0
    outcome, winner, why = _decide(experiment, effect, low, high)
    if split < SPLIT_P:
        why = f"the users are not split as the flag says ({control.users} and {treatment.users}; {by_chance(split)})"
        outcome, winner = Outcome.NOT_TRUSTED, ""
    return Verdict(outcome, winner, why, control, treatment, effect, float(low), float(high), float(p_value), split)


def by_chance(p_value: float | None) -> str:
    """What the p-value of a split says, in words."""
    return "not tested" if p_value is None else f"a split this uneven comes by chance with p = {p_value:.2g}"


def _alike(users: pd.DataFrame) -> bool:
    """Whether all users of each arm are of one mind: then there is no spread that an interval could be taken from."""
    shares = (users["helpful"] / users["judged"]).groupby(users["variant"])
    return bool((shares.min() == shares.max()).all())


def _decide(experiment: Experiment, effect: float, low: float, high: float) -> tuple[Outcome, str, str]:
    # Asked in this way, an interval that is no number has no winner.
    if not (low > 0 or high < 0):
        return Outcome.NO_WINNER, "", "the interval holds zero: the arms may be equal"
    better = experiment.treatment if effect > 0 else experiment.control
    return Outcome.WINNER, better.name, "the interval does not hold zero"


def _counts(arm: str, rows: Sequence[Seen], asked: int) -> Counts:
    own = [row for row in rows if row.arm == arm]
    judged = [row for row in own if row.helpful is not None and not row.failed]
    users, helped = len({row.user for row in own}), sum(bool(row.helpful) for row in judged)
    return Counts(arm, asked, users, len(own), len(judged), helped)


def _users(rows: Sequence[Seen]) -> pd.DataFrame:
    """One row for each user with a judged answer."""
    kept: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in rows:
        if row.helpful is not None and not row.failed:
            kept[row.arm, row.user].append(row.helpful)
    return pd.DataFrame(
        [{"variant": arm, "helpful": sum(said), "judged": len(said)} for (arm, _), said in sorted(kept.items())]
    )


def _doubt(control: Counts, treatment: Counts, rows: Sequence[Seen], experiment: Experiment) -> str:
    """Why nothing can be concluded whatever the numbers; empty when something can."""
    arms: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        arms[row.user].add(row.arm)
    if moved := sum(len(found) > 1 for found in arms.values()):
        return f"{moved} users saw more than one arm: the assignment is not sticky"
    versions = {arm.name: arm.version for arm in experiment.arms}
    if wrong := sum(row.version != versions.get(row.arm) for row in rows):
        return f"{wrong} answers are of another prompt version than their arm's"
    for counts in (control, treatment):
        if counts.answers > counts.asked:
            return f"{counts.arm} has {counts.answers} answers to {counts.asked} questions: some are of another run"
        if counts.asked and (counts.asked - counts.judged) / counts.asked > MOST_LOST:
            missing = counts.asked - counts.judged
            return f"{missing} of {counts.asked} questions of {counts.arm} have no whole answer or no verdict"
    for each in (control, treatment):
        if each.users < FEWEST_USERS:
            return f"{each.arm} has {each.users} users: {FEWEST_USERS} are the least"
    return ""


def _nothing(why: str, control: Counts, treatment: Counts) -> Verdict:
    effect = treatment.share - control.share
    return Verdict(Outcome.NOT_TRUSTED, "", why, control, treatment, effect, -1.0, 1.0, None, None)
