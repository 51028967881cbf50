"""What each command does, apart from how its arguments are written: preview first, refuse early, say what was done."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from ops.destroy import blockers
from ops.destroy.leftovers import Remains
from ops.engine import retained
from ops.engine.automation import Engine, Outcome, Program
from ops.report.deployed import DeployedBill
from ops.show import Show, as_value
from ops.up import first_up
from ops.worlds.world import Place
from policies.guard.baseline import first_deployment
from policies.guard.deployed import VARIABLES
from pricing.items.cost import cents


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command on one stack: where, with which program and policy packs, and whom it tells.

    `confirm` is asked before anything in an account changes; it gets the question and answers whether to go on.
    """

    place: Place
    program: Program
    packs: Sequence[Path]
    show: Show
    confirm: Callable[[str], bool]
    faults: Path | None = None
    calls: Path | None = None
    pack: str = ""
    """The one pack that `packs` runs; empty when it runs every one."""
    priced: bool = True
    """Whether the stack file says what the program makes, so that a bill can be made from it."""
    guard: Path | None = None
    """The guard file that the packs read; None for the one of this repository."""

    def begin(self, plain: str) -> None:
        """The head of every report: the world, and the plain command that does the same."""
        self.show.head(self.place.world.title, self.place.stack)
        self.show.plain(self.place.plain(plain))

    def end(self, *outcomes: Outcome, **more: Any) -> ExitCode:
        """Reports the last outcome to a machine, with whatever else there is to say, and turns all into an exit code."""
        last = outcomes[-1]
        if self.show.as_json:
            self.show.value({"world": self.place.world.name, "stack": self.place.stack, **as_value(last), **more})
        if last.ok:
            return ExitCode.OK
        return ExitCode.REFUSED if last.events.mandatory else ExitCode.FAILED


def up(job: Job) -> ExitCode:
    """Previews with the policy packs, stops on a refusal with nothing changed, then makes it so."""
    job.begin(f"up{''.join(f' --policy-pack {pack}' for pack in job.packs)}")
    with opened(job) as engine:
        job.place.world.check_before_up(job.place, engine, job.show)
        planned = _preview(job, engine)
        if not planned.ok:
            job.show.line("nothing was changed", style="bold")
            return job.end(planned)
        if not job.confirm(f"change {planned.events.touched} resources in {job.place.world.title}?"):
            job.show.line("nothing was changed", style="bold")
            return ExitCode.OK
        with job.show.progress("up", planned.events.touched) as progress:
            done = engine.up(packs=job.packs, on_change=progress)
        job.show.outcome(done, steps=False)
        if (problem := _stopped(job, engine, done)) is None:
            return job.end(planned, done, **_recorded(job, engine))
        if not job.show.as_json:
            job.show.problems([problem], "stopped")
        return job.end(planned, done, next=problem.as_dict())


def _stopped(job: Job, engine: Engine, done: Outcome) -> Problem | None:
    """What comes next when an `up` has made the network and the cluster, and could not speak to that cluster."""
    messages = [error.message for error in done.events.errors]
    if done.ok or not any(first_up.UNREACHABLE in message for message in messages):
        return None
    return first_up.stopped(job.place.loaded.stack, messages, _resources(engine.state()))


def _recorded(job: Job, engine: Engine) -> dict[str, Any]:
    """Says which Helm releases of a real cluster were only recorded, and gives what a machine is told of them."""
    releases = job.place.world.only_recorded(engine)
    if releases is None:
        return {}
    if not job.show.as_json:
        for recorded in releases:
            job.show.line(recorded.line)
    return {"recorded": [each.as_value() for each in releases]}


def refresh(job: Job, *, only_look: bool = False) -> ExitCode:
    """Reads every resource again: what differs from the state is drift."""
    job.begin("refresh --preview-only" if only_look else "refresh")
    with opened(job) as engine:
        with job.show.progress("refresh", 0) as progress:
            done = engine.refresh(planning=only_look, on_change=progress)
        job.show.outcome(done)
        return job.end(done)


def destroy(job: Job) -> ExitCode:
    """Previews, deletes nothing if anything is protected, and otherwise deletes everything the stack has made."""
    job.begin("destroy")
    with opened(job) as engine:
        state, world = engine.state(), job.place.world
        holds = functools.partial(world.bucket_holds, engine)
        if stopping := [*blockers.protected(state, job.place), *blockers.full(state, holds)]:
            raise Refused(stopping)
        with job.show.progress("destroy (preview)", 0) as progress:
            planned = engine.destroy(planning=True, on_change=progress)
        if not planned.ok:
            job.show.outcome(planned)
            job.show.line("nothing was deleted", style="bold")
            return job.end(planned)
        if not job.confirm(f"delete {planned.events.touched} resources from {world.title}?"):
            job.show.line("nothing was deleted", style="bold")
            return ExitCode.OK
        with job.show.progress("destroy", planned.events.touched) as progress:
            done = engine.destroy(on_change=progress)
        job.show.outcome(done)
        tagged, after = functools.partial(world.tagged, engine), _resources(engine.state())
        left = Remains.of(_resources(state), after, tagged, simulated=world.aws_simulated)
        for line in left.lines():
            job.show.line(line)
        return job.end(planned, done, remains=left.as_value())


def outputs(job: Job) -> ExitCode:
    """The stack's outputs, secret ones masked."""
    if not job.show.as_json:
        job.begin("stack output --json")
    with opened(job) as engine:
        found = engine.outputs()
    if job.show.as_json:
        job.show.value(found)
    elif not found:
        job.show.line("no outputs: the stack is not up")
    for key, value in _flat(found):
        if not job.show.as_json:
            job.show.line(f"{key:44} {value}")
    return ExitCode.OK


def config(place: Place, show: Show) -> ExitCode:
    """Every effective setting and where it came from; opens neither engine nor world."""
    values = list(place.loaded.stack.values())
    if show.as_json:
        show.value([{"where": value.where, "value": value.value, "source": value.source} for value in values])
        return ExitCode.OK
    for value in values:
        show.line(f"{value.where:44} {value.value!s:32} {value.source}")
    return ExitCode.OK


def render(place: Place, out: Path, known: Mapping[str, str], show: Show) -> ExitCode:
    """Everything that the stack declares, as files under `out`; `known` fills in what only a deployed stack knows."""
    from infra import render as writer
    from infra.declared import declare

    files = writer.render(declare(program(place), project="modelyard", stack=place.stack), out, known)
    if show.as_json:
        show.value([str(file) for file in files])
    else:
        show.line(f"{len(files)} files under {out}; index.json says what each ${{...}} stands for")
    return ExitCode.OK


def known_values(job: Job) -> dict[str, str]:
    """What a deployed stack's state knows for `render`, secrets left out."""
    from infra.render import from_state

    with opened(job) as engine:
        return from_state({"deployment": engine.state()})


def opened(job: Job) -> AbstractContextManager[Engine]:
    """The engine on the job's stack, in its world."""
    return job.place.world.opened(job.place, job.program, job.show.say, faults=job.faults, calls=job.calls)


def _preview(job: Job, engine: Engine) -> Outcome:
    tell_deployed(job, engine)
    with job.show.progress("preview", 0) as progress:
        outcome = engine.preview(packs=job.packs, on_change=progress)
    job.show.outcome(outcome)
    refuse_retained(engine, outcome)
    return outcome


def refuse_retained(engine: Engine, outcome: Outcome) -> None:
    """Raises Refused for what a deletion would leave behind in a cloud, outside the list of what may be."""
    state = engine.state() if retained.ended(outcome.events) else {}
    if problems := retained.refusals(outcome.events, state):
        raise Refused(problems)


def tell_deployed(job: Job, engine: Engine) -> DeployedBill:
    """Tells program and packs what is deployed already: a run that makes nothing dearer is warned and not blocked.

    Neither takes it from the program that is judged. It is priced from the state, by this checkout.
    """
    deployed = deployed_bill(job.place, engine, guard_file=job.guard, priced=job.priced)
    engine.tell(deployed.gate.variables(), instead_of=VARIABLES)
    return deployed


def deployed_bill(place: Place, engine: Engine, *, guard_file: Path | None = None, priced: bool = True) -> DeployedBill:
    """What a stack's state costs by this checkout's prices, and under the guard file: this checkout's own without another.

    `priced` says whether the stack file states the use that is planned.
    """
    from policies.guard.file import NAME, load

    guard, stack = load(guard_file or place.root / NAME), place.stack
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Where no step is bounded the history decides nothing; else its process runs beside the one that reads the state.
        asked = beside.submit(lambda: first_deployment(engine.history())) if guard.bounds_steps(stack) else None
        state = engine.state()
    first = asked.result() if asked else False
    planned = place.loaded.settings.usage.amounts() if priced else None
    return DeployedBill.of(state, stack=stack, guard=guard, first=first, planned=planned)


def deployed(job: Job, *, as_variables: bool) -> ExitCode:
    """What is deployed costs, as the gates are told it; with `as_variables` as words of a shell that tell a process."""
    with opened(job) as engine:
        bill = deployed_bill(job.place, engine)
    told = bill.gate.variables()
    if job.show.as_json:
        job.show.value({"stack": job.place.stack, "variables": told, "unreadable": bill.gate.unreadable or None})
    elif as_variables:
        for name, value in told.items():
            sys.stdout.write(f"{name}={shlex.quote(value)}\n")
    else:
        job.begin("stack export")
        maximum = bill.gate.maximum
        known = "nothing is deployed" if maximum is None else f"at most {cents(maximum)} USD a month"
        job.show.line(bill.gate.unreadable or known)
        for kind, amounts in bill.gate.parts.items():
            for name, amount in amounts.items():
                job.show.line(f"{kind}.{name:36} {cents(amount):>12} USD")
    return ExitCode.UNAVAILABLE if bill.gate.unreadable else ExitCode.OK


def _resources(state: dict[str, Any]) -> list[dict[str, Any]]:
    return list(state.get("resources") or [])


def _flat(value: Any, where: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _flat(inner, f"{where}.{key}" if where else str(key))]
    return [(where, value)] if where else []


def program(place: Place) -> Program:
    """The platform's program for a stack; its file is judged at once, before any engine starts.

    Raises Refused for a bad stack file, and for a stack that cannot be in its world.
    """
    from infra import program as wiring

    loaded = place.loaded
    place.world.accept(place)
    return wiring.make(loaded)


def packs(place: Place) -> tuple[Path, ...]:
    """The one executable that runs every policy pack; `Refused` when it is not there, for a gate must not be lost."""
    runner = place.root / "policies" / "run"
    if not os.access(runner, os.X_OK):
        raise Refused(Problem(summary="the policy packs cannot be run", file=str(runner), allowed="an executable file"))
    return (runner,)
