"""`modelyard recover`: after a kill, opens what a dead process has locked and makes the state say what the world holds.

It never opens what a live process has locked. In an account only a person can say what became of a create without an
answer: there it lists, asks, and imports or clears on confirmation.
"""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from core.problem import ExitCode, Problem, Refused
from ops.commands import Job
from ops.engine.automation import Engine
from ops.recover.repair import Made, Repaired, repair

_STILL_ENDING = 15.0
"""Seconds to wait for an engine that has lost its program or its provider and is ending by itself."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person says of the creates without an answer: the ids that AWS gave (`URN=ID`), the URNs never made.

    `ask` gets a question and gives back an id, or nothing when it was never made; it is None when nobody can be asked.
    """

    ids: Sequence[str] = ()
    clear: Sequence[str] = ()
    ask: Callable[[str], str] | None = None


def recover(job: Job, said: Said | None = None) -> ExitCode:
    """Clears dead locks, settles every operation without an answer, refreshes; says each thing it did."""
    job.begin("refresh")
    with job.place.world.opened(job.place, job.program, job.show.say) as engine:
        records = job.place.world.local_records(engine)
        if records is None:
            return _as_said(job, engine, said or Said())
        did = _unlock(records.backend / "locks") + _drop_torn(records.backend)
        return _repaired(job, engine, repair(engine.state(), records.made()), did)


def _repaired(job: Job, engine: Engine, repaired: Repaired, did: list[str]) -> ExitCode:
    if repaired.changed:
        _import(engine, repaired.state)
    did += list(repaired.said)
    for line in did:
        job.show.line(line)
    with job.show.progress("refresh", 0) as progress:
        done = engine.refresh(on_change=progress)
    job.show.outcome(done)
    if not did:
        job.show.line("there was nothing to recover")
    return job.end(done)


def _as_said(job: Job, engine: Engine, said: Said) -> ExitCode:
    state = engine.state()
    pending = state.get("pending_operations") or []
    for each in pending:
        job.show.line(f"without an answer: {each['type']} {each['resource']['urn']}")
    if not pending:
        job.show.line("no operation is without an answer")
        return ExitCode.OK
    creates = [str(each["resource"]["urn"]) for each in pending if each["type"] == "creating"]
    made = _answers(engine.stack, creates, said)
    repaired = repair(state, made)
    for line in repaired.said:
        job.show.line(f"would be {line}")
    if not job.confirm(f"write this into the state of {engine.stack}, then refresh?"):
        job.show.line("nothing was changed", style="bold")
        return ExitCode.OK
    return _repaired(job, engine, repaired, [])


def _answers(stack: str, creates: list[str], said: Said) -> list[Made]:
    """Which of the creates happened, and under which id. Raises Refused when that is not said of each."""
    ids = {urn: text[len(urn) + 1 :] for urn in creates for text in said.ids if text.startswith(f"{urn}=")}
    strays = [text for text in said.ids if not any(text.startswith(f"{urn}=") for urn in creates)]
    strays += [urn for urn in said.clear if urn not in creates]
    if strays:
        problem = Problem(
            summary="no create of this URN is pending", found=", ".join(strays), allowed=", ".join(creates)
        )
        raise Refused(problem, ExitCode.USAGE)
    unsaid = [urn for urn in creates if urn not in ids and urn not in said.clear]
    if unsaid and said.ask is None:
        raise Refused(
            [
                Problem(
                    summary="in an account only you can say whether this exists",
                    where=urn,
                    fix=f"look it up, then `modelyard recover --stack {stack} --cloud --id '{urn}=<its id>'`, "
                    f"or `--clear '{urn}'` if it was never made",
                )
                for urn in unsaid
            ]
        )
    for urn in unsaid:
        if said.ask is not None and (id := said.ask(f"id of {urn} (nothing: it was never made)").strip()):
            ids[urn] = id
    return [Made(urn=urn, id=id) for urn, id in ids.items() if id]


def _unlock(locks: Path) -> list[str]:
    did = []
    for file in sorted(locks.rglob("*.json")):
        try:
            lock = json.loads(file.read_text(encoding="utf-8"))
            pid, host = int(lock["pid"]), str(lock["hostname"])
            taken = datetime.fromisoformat(str(lock["timestamp"])[:19] + "+00:00").timestamp()
        except (ValueError, KeyError, OSError):
            pid, host, taken = 0, socket.gethostname(), 0.0
        if host != socket.gethostname():
            raise Refused(
                Problem(summary="the stack is locked by another machine", found=f"process {pid} on {host}"),
                ExitCode.UNAVAILABLE,
            )
        if not _gone(pid, taken):
            raise Refused(
                Problem(
                    summary="the process that has locked the stack is alive",
                    found=f"process {pid}",
                    fix="let it end, or stop it, then recover again",
                ),
                ExitCode.UNAVAILABLE,
            )
        for path in (file, file.with_name(file.name + ".attrs")):
            path.unlink(missing_ok=True)
        did.append(f"unlocked: process {pid}, which held the lock, is dead")
    return did


def _drop_torn(backend: Path) -> list[str]:
    """Removes what a killed engine has half written: drafts, and notes beside a file that it could not read again.

    The backend writes each file as a draft, puts a note (`.attrs`) in place, then renames the draft: only the note can
    be torn, and the engine refuses the whole stack for it.
    """
    torn = [file for file in backend.rglob("*.attrs") if not _is_json(file)]
    for file in [*torn, *backend.rglob("*.tmp")]:
        file.unlink(missing_ok=True)
    return [f"removed: {file.name}, which a kill has left half written" for file in sorted(torn)]


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _gone(pid: int, taken: float) -> bool:
    """Whether the process is dead, or another one has its number since; waits for one that is just ending."""
    until = time.monotonic() + _STILL_ENDING
    while True:
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or process.create_time() > taken + 2:
                return True
        except (psutil.NoSuchProcess, ValueError):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.2)


def _import(engine: Engine, state: dict[str, object]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=engine.workdir, suffix=".json", encoding="utf-8") as file:
        json.dump({"version": 3, "deployment": state}, file)
        file.flush()
        engine.ask("stack", "import", "--file", file.name)
