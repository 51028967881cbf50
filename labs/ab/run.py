"""The lab from end to end: registry, model, app, users, verdict, files."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from core.problem import ExitCode, Problem, Refused
from labs.ab import change, chat, evidence, experiment, page, traffic, users
from labs.ab.analysis import Outcome, judge
from labs.ab.evidence import COMPANY, Seen
from labs.ab.experiment import Experiment
from labs.ab.report import Report
from labs.ab.users import Ask
from sandbox import lock
from sandbox.stack import mlflow_server as registry

Say = Callable[[str], None]
EXAMPLES = 4
_EVERY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one run does. `target` is a base URL of an OpenAI API with the `/v1`; empty takes the cluster of this machine."""

    users: int
    requests: int
    seed: int
    target: str = ""
    model: str = "chat"
    short: bool = False


def run(root: Path, plan: Plan, say: Say) -> Report:
    """Runs the lab; files are below `.sandbox/labs/ab`. Raises Refused when something that it needs is not there."""
    began, folder = time.monotonic(), root / ".sandbox" / "labs" / "ab"
    found = experiment.read(root / experiment.FOLDER)
    for arm in found.arms:
        # Whether the change can be made is known now, and not only after the users have asked.
        change.diff(found, arm.name, root)
    asks = list(users.asks(plan.users, plan.requests, plan.seed))
    with ExitStack() as stack:
        stack.enter_context(lock.waiting(folder / "lock", "the lab's folder", say))
        target, behind = (
            plan.target.rstrip("/"),
            [f"{plan.target}, given with --target; what is behind it is not known"],
        )
        if not target:
            from labs.ab import cluster

            target, behind = stack.enter_context(cluster.answering(root, folder / "node", say))
        url, client, traces = stack.enter_context(_app(root, folder, found, target, plan.model, say))
        asked = _traffic(url, asks, say)
        rows = list(evidence.gather(client, traces))
    verdict = judge(found, rows, experiment.dealt(found, (ask.user for ask in asks)))
    report = Report(
        experiment=found.key,
        verdict=verdict,
        behind=tuple(behind),
        prompts={arm.name: arm.text for arm in found.arms},
        examples={arm.name: _examples(rows, arm.name) for arm in found.arms},
        users=plan.users,
        requests=plan.requests,
        seed=plan.seed,
        failed=dict(collections.Counter(each.failed for each in asked if each.failed)),
        median_seconds=statistics.median([each.seconds for each in asked if not each.failed] or [0.0]),
        total_seconds=time.monotonic() - began,
        change=change.diff(found, verdict.winner, root) if verdict.outcome is Outcome.WINNER else "",
        short=plan.short,
    )
    (folder / "report.json").write_text(json.dumps(report.as_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page.page(report), encoding="utf-8")
    return report


@contextlib.contextmanager
def _app(
    root: Path, folder: Path, found: Experiment, target: str, model: str, say: Say
) -> Iterator[tuple[str, MlflowClient, str]]:
    """MLflow with the prompts, and the app in front of the model: the app's URL, MLflow's client, the traces' experiment."""
    shutil.rmtree(folder / "registry", ignore_errors=True)
    say("registry: starting MLflow, registering the prompts")
    server = registry.start(folder / "registry", root / ".sandbox" / "cache", os.environ, users=False)
    try:
        client = MlflowClient(server.url, server.url)
        traces = evidence.prepare(client, found)
        settings = {
            "MODEL_URL": target,
            "MODEL": model,
            "REGISTRY_URL": server.url,
            "FLAGS_FILE": str(found.flags),
            "EXPERIMENT": found.key,
            "PROMPT_VARIABLES": json.dumps({"company": COMPANY}),
            "TRACE_EXPERIMENT_ID": traces,
            "RECORD_TEXTS": "true",
            "FIRST_BYTE_SECONDS": str(traffic.WAIT_SECONDS),
        }
        with chat.serving(root, settings, folder / "app.log") as url:
            say(
                f"app: ready, {found.control.name} {found.control.percent:.0f} %, "
                f"{found.treatment.name} {found.treatment.percent:.0f} %"
            )
            yield url, client, traces
    except MlflowException as error:
        fix = f"read {folder / 'registry' / 'server.log'}"
        problem = Problem(summary="the registry failed", found=str(error), fix=fix)
        raise Refused(problem, ExitCode.FAILED) from None
    finally:
        server.close()


def _traffic(url: str, asks: Sequence[Ask], say: Say) -> list[traffic.Asked]:
    began = said = time.monotonic()

    def told(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if done == len(asks) or now - said >= _EVERY_SECONDS:
            said, left = now, (now - began) * (len(asks) - done) / done
            say(f"users: {done} of {len(asks)} questions answered, about {left:.0f} s left")

    return asyncio.run(traffic.run(url, asks, told))


def _examples(rows: Sequence[Seen], arm: str) -> list[tuple[str, bool]]:
    own = sorted((row.answer, row.helpful) for row in rows if row.arm == arm and row.helpful is not None)
    return [(text, bool(said)) for text, said in own[:: max(1, len(own) // EXAMPLES)][:EXAMPLES]]
