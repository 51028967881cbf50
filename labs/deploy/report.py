"""What the lab found: as lines for a terminal, as a document, and whether it is what it has to be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.problem import ExitCode
from labs.deploy.watch import Course


@dataclass(frozen=True)
class Timed:
    """A step and how long it took (seconds)."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Delivery:
    """A change and what came of it. `digest` is the image's manifest's, `size` its archive's bytes; no `course` for the first."""

    version: str
    title: str
    change: str
    tests: str
    digest: str
    size: int
    release: str
    course: Course | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One run. `failed` are all requests without an answer of 200, the bad version's among them; `load` is the machine's.

    `weights` are the steps of the release (percent).
    """

    first: Delivery
    good: Delivery
    bad: Delivery
    greeted: bool
    """Whether users read the new greeting after the good change."""
    weights: tuple[int, ...]
    steps: tuple[Timed, ...]
    asked: int
    failed: int
    behind: tuple[str, ...]
    total_seconds: float
    load: float
    short: bool

    def as_dict(self) -> dict[str, Any]:
        """The document `report.json`."""
        return {**asdict(self), "outcome": self.code.name, "problems": self.problems}

    @property
    def problems(self) -> list[str]:
        """What is not as it has to be."""
        found = []
        good, bad = self.good.course, self.bad.course
        if good is None or bad is None:
            return ["a change was not rolled out"]
        if good.back:
            found.append("the good change was taken back")
        elif skipped := [weight for weight in self.weights if weight not in {share.percent for share in good.shares}]:
            found.append(f"the good change never had {' or '.join(f'{each} %' for each in skipped)} of the requests")
        elif not self.greeted:
            found.append("users do not see the good change")
        if good.errors_new or good.lost:
            found.append(f"the good change lost {good.errors_new + len(good.lost)} requests")
        if not bad.back:
            found.append("the bad change was not taken back")
        if not bad.errors_new:
            found.append("the bad change did no harm, so nothing was shown")
        if bad.lost:
            found.append(f"requests were lost that the bad version did not answer: {len(bad.lost)}")
        counted = sum(course.errors_new + len(course.lost) for course in (good, bad))
        if self.failed != counted:
            found.append(
                f"{self.failed} requests failed and {counted} of them in a rollout: the rest was lost in between"
            )
        found += [
            f"version {course.version} got {each.hits} of {each.asked} at {each.percent} %: chance does not explain that"
            for course in (good, bad)
            for each in course.shares
            if not each.fits
        ]
        return found

    @property
    def code(self) -> ExitCode:
        """0 when the good change is out and the bad one back, 1 otherwise."""
        return ExitCode.FAILED if self.problems else ExitCode.OK


def headline(report: Report) -> str:
    """The result in one sentence."""
    if report.problems:
        return f"Not as it has to be: {'; '.join(report.problems)}."
    good, bad = report.good.course, report.bad.course
    assert good is not None and bad is not None  # noqa: S101 - there are no problems
    return (
        f"Version {good.version} is out after {good.seconds:.0f} s and lost none of {good.asked} requests; version "
        f"{bad.version} was taken back by itself after {bad.seconds:.0f} s, with {bad.errors_new} errors in {bad.asked} requests."
    )


def lines(report: Report) -> list[str]:
    """The report for a terminal."""
    found = ["", f"lab-deploy{' (short form)' if report.short else ''}", headline(report)]
    for delivery in (report.good, report.bad):
        course = delivery.course
        if course is None:
            continue
        found += [
            "",
            f"version {delivery.version}: {delivery.title}",
            f"  tests    {delivery.tests}",
            f"  image    {delivery.digest}",
        ]
        found += [f"  {at:6.1f} s {text}" for at, text in course.events]
        found += [
            f"  share    {step.percent} %: {step.hits} of {step.asked} ({step.rate:.1%}) in {step.seconds:.0f} s"
            for step in course.shares
        ]
        found += [
            f"  requests {course.asked}, {course.errors_new} errors of this version, {len(course.lost)} others lost"
        ]
    found += ["", *(f"  {timed.seconds:6.1f} s {timed.name}" for timed in report.steps)]
    found += [f"  {report.total_seconds:6.1f} s in all; the machine's load was {report.load:.1f}", ""]
    return found + [f"  {each}" for each in report.behind]
