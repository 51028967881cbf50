"""`modelyard preview`: runs the preview with every policy pack and writes one report, however the preview ends."""

from __future__ import annotations

import enum
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from core.problem import ExitCode, Refused
from ops import commands
from ops.commands import Job
from ops.cost import report as cost
from ops.engine.automation import Engine
from ops.report.fit import fit, fitted
from ops.report.make import Found, make
from ops.report.markdown import markdown
from ops.report.model import JudgingCheckout, Report, Verdict, as_json
from ops.report.page import page
from ops.report.terminal import lines, terminal
from ops.show import Show
from ops.worlds.world import Place
from policies.guard import file as guard_file
from policies.guard.file import NAME as GUARD
from policies.packs import rules

AskCheckout = Callable[[Mapping[str, str]], JudgingCheckout]
"""Asks a judging checkout about a stack file, told what is deployed as variables of a process."""


class Form(enum.Enum):
    """Who reads the report."""

    TERMINAL = "terminal"
    MD = "md"
    JSON = "json"
    HTML = "html"


WRITERS: dict[Form, Callable[[Report], str]] = {
    Form.TERMINAL: terminal,
    Form.MD: markdown,
    Form.JSON: as_json,
    Form.HTML: page,
}
_CODES = {Verdict.REFUSED: ExitCode.REFUSED, Verdict.UNDETERMINED: ExitCode.REFUSED, Verdict.FAILED: ExitCode.FAILED}


@dataclass(frozen=True, kw_only=True)
class Paper:
    """In which form the report is written, and into which file; without one to standard output."""

    form: Form = Form.TERMINAL
    out: Path | None = None

    def write(self, report: Report, show: Show) -> None:
        """Writes the report, less than 60,000 bytes of it."""
        if self.out is not None:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(fitted(report, WRITERS[self.form]), encoding="utf-8")
            show.line(f"{self.out}: {report.headline}")
        elif self.form is Form.TERMINAL and show.out.is_terminal:
            for line, style in lines(fit(report, terminal)):
                show.line(line, style)
        else:
            sys.stdout.write(fitted(report, WRITERS[self.form]))


def preview(job: Job, paper: Paper | None = None, judge: AskCheckout | None = None) -> ExitCode:
    """Writes the report on what `up` would do and what the policies say; changes nothing."""
    return _written(look(job, judge), job.show, paper or Paper())


def unable(place: Place, refused: Refused, show: Show, paper: Paper) -> ExitCode:
    """Writes the report on a preview that could not even begin."""
    return _written(replace(_found(place), failed=refused), show, paper)


def look(job: Job, judge: AskCheckout | None = None, engine: Engine | None = None) -> Found:
    """Runs the preview, with an engine that is open already if given, and brings together what its report needs."""
    found = _found(job.place)
    if job.packs:
        found = replace(found, rules=len(rules(job.pack)), guard=guard_file.load(job.guard or job.place.root / GUARD))
    try:
        if job.priced:
            found = replace(found, bill=cost.report(job.place.loaded))
        with nullcontext(engine) if engine else commands.opened(job) as engine:
            found = replace(found, deployed=commands.tell_deployed(job, engine))
            found = replace(found, judge=judge(found.deployed.gate.variables()) if judge else None)
            with job.show.progress("preview", 0) as progress:
                outcome = engine.preview(packs=job.packs, on_change=progress)
            commands.refuse_retained(engine, outcome)
        return replace(found, outcome=outcome)
    except Exception as failed:
        if isinstance(failed, Refused) and failed.code in {ExitCode.USAGE, ExitCode.INTERRUPTED}:
            raise
        if os.environ.get("MODELYARD_DEBUG") == "1" and not isinstance(failed, Refused):
            traceback.print_exc()
        # Judged all the same, as if nothing were deployed: the stricter of the two.
        verdict = judge({}) if judge and found.judge is None else found.judge
        return replace(found, failed=failed, judge=verdict)


def _found(place: Place) -> Found:
    return Found(
        world=place.world.title,
        simulated=place.world.simulated,
        stack=place.stack,
        full=place.plain("preview --diff"),
    )


def _written(found: Found, show: Show, paper: Paper) -> ExitCode:
    report = make(found)
    paper.write(report, show)
    if isinstance(found.failed, Refused):
        return found.failed.code
    return _CODES.get(report.verdict, ExitCode.OK)
