"""Says what came of the lab: which version is better than the base, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.problem import ExitCode
from labs.registry import scoring as judge
from labs.registry.recipes import Plan, Recipe
from labs.registry.scoring import Answers, Compared


@dataclass(frozen=True, kw_only=True)
class Result:
    """One version: its recipe and number, first and last losses (means of up to ten steps), and its answers."""

    recipe: Recipe
    number: int
    first_loss: float
    last_loss: float
    answers: Answers
    against_base: Compared


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Lines for a person, the exit code, and the version that may go on (0: none)."""

    lines: tuple[str, ...]
    code: ExitCode
    candidate: int = 0


def verdict(plan: Plan, base: Mapping[str, Answers], results: Sequence[Result], tries: int) -> Verdict:
    """The best version against the base's better way. FAILED when a loss did not fall, or the full lab shows no gain.

    `tries` is how many versions were ever judged on these tickets: each of them was a chance to look good.
    """
    way = judge.best(base)
    strongest = base[way]
    lines = [f"base ({way}): {_share(strongest)}"]
    for result in results:
        lines.append(
            f"version {result.number} ({result.recipe.name}): {_share(result.answers)}, 95 % interval "
            f"{result.against_base.low:.2f} to {result.against_base.high:.2f}; "
            f"loss {result.first_loss:.2f} -> {result.last_loss:.2f}"
        )
    stuck = [each for each in results if each.last_loss >= each.first_loss]
    top = max(results, key=lambda each: sum(each.answers.right))
    found, tries = top.against_base, max(tries, len(results))
    better = found.better(tries)
    lines.append(
        f"version {top.number} against the base: {found.won} tickets only it has right, {found.lost} only the base "
        f"(exact McNemar test: p = {found.p:.2g})"
    )
    lines.append(
        f"by sentence pattern, since tickets of one pattern are alike: ahead in {found.patterns_won}, behind in "
        f"{found.patterns_lost} (exact sign test: p = {found.p_patterns:.2g})"
    )
    corrected = f", both times {tries} for the {tries} versions judged on these tickets" if tries > 1 else ""
    lines.append(
        f"version {top.number} is {'' if better else 'NOT shown to be '}better than the base at 5 %{corrected}"
    )
    lines += [f"the loss of version {each.number} did not fall" for each in stuck]
    if plan.short:
        lines.append("SHORT: few steps and few tickets; it shows that the lab runs, not how good a version can be")
    failed = bool(stuck) or not (better or plan.short)
    return Verdict(
        lines=tuple(lines),
        code=ExitCode.FAILED if failed else ExitCode.OK,
        candidate=top.number if better and not plan.short and not stuck else 0,
    )


def _share(answers: Answers) -> str:
    right, count = sum(answers.right), len(answers.said)
    return f"{right} of {count} right ({right / count:.0%})"
