"""What the registry holds of the experiment: prompt versions go in, and who got which answer and liked it comes out.

The verdict rests on what the app itself recorded in MLflow, as it would for real users, and on nothing that the lab kept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient

from core.problem import ExitCode, Problem, Refused
from labs.ab.experiment import Experiment

COMPANY = "Example Shop"
_PAGE = 200


@dataclass(frozen=True)
class Seen:
    """One answer as its trace has it; `helpful` is None when nobody said anything, `failed` when there was no whole answer."""

    user: str
    arm: str
    version: int
    answer: str
    failed: bool
    helpful: bool | None


def prepare(client: MlflowClient, experiment: Experiment) -> str:
    """Registers the arms' texts as the prompt versions that the flag names; gives the id of the experiment for traces."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    for arm in sorted(experiment.arms, key=lambda arm: arm.version):
        made = client.register_prompt(arm.prompt, arm.text, commit_message=arm.name)
        if int(made.version) != arm.version:
            problem = Problem(
                summary="the registry gave another version than the flag names",
                where=arm.name,
                found=str(made.version),
                allowed=str(arm.version),
                fix="let the flag's variants name the versions 1 and 2 of one prompt, or 1 of two",
            )
            raise Refused(problem, ExitCode.USAGE)
    client.set_prompt_alias(experiment.control.prompt, "production", experiment.control.version)
    return str(client.create_experiment("chat"))


def gather(client: MlflowClient, experiment_id: str) -> Iterator[Seen]:
    """Every answer of the experiment, from its trace."""
    token: str | None = None
    while True:
        page = client.search_traces(locations=[experiment_id], max_results=_PAGE, page_token=token, include_spans=True)
        for trace in page:
            yield seen(trace)
        token = page.token
        if not token:
            return


def seen(trace: Any) -> Seen:
    """One trace, read."""
    span = trace.data.spans[0]
    said = [assessment.value for assessment in trace.info.assessments if assessment.name == "helpful"]
    outputs = span.outputs if isinstance(span.outputs, dict) else {}
    return Seen(
        user=str(span.attributes.get("user.id", "")),
        arm=str(span.attributes.get("feature_flag.result.variant", "")),
        version=int(span.attributes.get("app.prompt.version", 0)),
        answer=str(outputs.get("answer", "")),
        failed=str(span.status.status_code).endswith("ERROR"),
        helpful=bool(said[-1]) if said else None,
    )
