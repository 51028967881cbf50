"""The report as one HTML page: no script, no file beside it, nothing from a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labs.ab.analysis import CONFIDENCE, Outcome, Verdict, by_chance
from labs.ab.report import Report, headline
from ops.pages import render

_KIND = {Outcome.WINNER: "good", Outcome.NO_WINNER: "open", Outcome.NOT_TRUSTED: "bad"}
_WIDTH, _LEFT, _SPAN = 640, 110, 480


def page(report: Report) -> str:
    """The whole page."""
    verdict = report.verdict
    return render(
        "page.html",
        beside=Path(__file__).parent,
        report=report,
        kind=_KIND[verdict.outcome],
        headline=headline(report),
        arms=(verdict.control, verdict.treatment),
        dealt=by_chance(verdict.split_p_value).capitalize(),
        plot=plot(verdict),
    )


def plot(verdict: Verdict) -> dict[str, Any]:
    """The effect as a point with its interval, over an axis in percentage points with zero in it: what stands where."""
    reach = max(5.0, *(abs(100 * each) * 1.15 for each in (verdict.effect, verdict.low, verdict.high)))

    def x(points: float) -> float:
        return round(_LEFT + _SPAN * (points + reach) / (2 * reach), 1)

    step = next(each for each in (1, 2, 5, 10, 20, 50) if reach / each <= 5)
    marks = range(-int(reach // step) * step, int(reach) + 1, step)
    return {
        "width": _WIDTH,
        "title": f"{verdict.treatment.arm} less {verdict.control.arm}, percentage points, with the {CONFIDENCE:.0%} interval",
        "ticks": [(x(mark), f"{mark:+d}" if mark else "0", 0.15 if mark else 0.7) for mark in marks],
        "left": x(-reach),
        "right": x(reach),
        "middle": _LEFT + _SPAN / 2,
        "low": x(100 * verdict.low),
        "high": x(100 * verdict.high),
        "effect": x(100 * verdict.effect),
    }
