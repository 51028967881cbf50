"""Writes the lab's runs and versions to an MLflow server, so that each version says what it was made of and by what."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.registry.recipes import Plan, Recipe
from labs.registry.tickets import Split, Ticket, digest
from sandbox.stack import mlflow_server as registry

if TYPE_CHECKING:
    from labs.registry.train import Progress

KEY = "lab.key"
_DIGEST_LENGTH = 32
"""MLflow takes 36 characters of a data set's digest; the file beside it has all."""
TRAINING, EVALUATION = "training", "evaluation"
BETTER = {
    "held_out_accuracy": "higher",
    "held_out_in_format": "higher",
    "gain_over_base": "higher",
    "loss": "lower",
    "training_cpu_seconds": "lower",
}
"""Which way each metric is better, told to `modelyard models compare` by tags of the model."""


@contextlib.contextmanager
def server(root: Path) -> Iterator[registry.MlflowServer]:
    """The lab's own MLflow server on sqlite, while the block runs. What it holds stays, and so does its port when it is free."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "AWS_"))}
    mlflow_server = registry.start(
        root / ".sandbox" / "labs" / "registry" / "mlflow", root / ".sandbox" / "cache", env, users=False
    )
    try:
        yield mlflow_server
    finally:
        mlflow_server.close()


def commit() -> tuple[str, bool]:
    """The commit that this code is of (empty when that is not known), and whether a tracked file differs from it."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "HEAD")
    return found, bool(found) and bool(git("status", "--porcelain", "--untracked-files=no"))


@dataclass
class Tracker:
    """One experiment and one registered model of the server; every call may be made again after a cut."""

    client: Any
    experiment: str
    plan: Plan
    source: Mapping[str, str]

    @classmethod
    def opened(cls, url: str, plan: Plan, base: Mapping[str, str]) -> Tracker:
        """The tracker, its experiment and model made when they are not there. `base` has the base model's name and digest."""
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
        os.environ["MLFLOW_TRACKING_URI"] = url
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        client: Any = MlflowClient(tracking_uri=url, registry_uri=url)
        found = client.get_experiment_by_name(plan.model)
        experiment = found.experiment_id if found else client.create_experiment(plan.model)
        how = "SHORT form: shows that it runs, not how good it can be. " if plan.short else ""
        said = f"{how}Routes support tickets to four teams: LoRA adapters for {base['name']}, one version a recipe."
        with contextlib.suppress(MlflowException):
            client.create_registered_model(plan.model)
        client.update_registered_model(plan.model, said)
        tags = {"task": "routing", "base": base["name"], **({"form": "SHORT"} if plan.short else {})}
        for tag, value in {**tags, **{f"better.{metric}": way for metric, way in BETTER.items()}}.items():
            client.set_registered_model_tag(plan.model, tag, value)
        id, changed = commit()
        source = {
            "mlflow.source.name": "labs.registry",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": id,
            "source.changed": str(changed).lower(),
        }
        return cls(client, experiment, plan, {tag: value for tag, value in source.items() if value})

    def run_of(self, key: str) -> Any | None:
        """The run of that key, finished or cut; None when there is none."""
        found = self.client.search_runs([self.experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
        return found[0] if found else None

    def version_of(self, key: str) -> Any | None:
        """The version that came of the run of that key."""
        run = self.run_of(key)
        if run is None:
            return None
        found = self.client.search_model_versions(f"name='{self.plan.model}' and run_id='{run.info.run_id}'")
        return found[0] if found else None

    def judged_on(self, tickets: Sequence[Ticket]) -> int:
        """How many versions of the model were judged on these tickets, by this call and by all before it."""
        shown, count = digest(tickets)[:_DIGEST_LENGTH], 0
        token: str | None = None
        while True:
            page = self.client.search_model_versions(f"name='{self.plan.model}'", page_token=token)
            runs = {str(each.run_id) for each in page if each.run_id}
            for run in runs:
                inputs = self.client.get_run(run).inputs.dataset_inputs
                sets = {tag.value: each.dataset.digest for each in inputs for tag in each.tags}
                count += sets.get(EVALUATION) == shown
            token = page.token
            if not token:
                return count

    def begun(
        self, key: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str], data: Split, use: Sequence[str]
    ) -> str:
        """The id of the run of that key, made with parameters and data sets when it is not there; `use` names the sets."""
        from mlflow.entities import DatasetInput, InputTag, Param

        found = self.run_of(key)
        if found is not None:
            return str(found.info.run_id)
        run = self.client.create_run(self.experiment, run_name=name, tags={KEY: key, **self.source, **tags})
        id = str(run.info.run_id)
        self.client.log_batch(id, params=[Param(name, str(value)) for name, value in params.items()])
        sets = {TRAINING: data.train, EVALUATION: data.held_out}
        inputs = [
            DatasetInput(self._dataset(each, sets[each]), [InputTag("mlflow.data.context", each)]) for each in use
        ]
        self.client.log_inputs(id, inputs)
        return id

    def _dataset(self, use: str, tickets: Sequence[Ticket]) -> Any:
        from mlflow.entities import Dataset

        source = f'{{"code": "labs/registry/tickets.py", "seed": {self.plan.seed}}}'
        shown = digest(tickets)[:_DIGEST_LENGTH]
        return Dataset(f"tickets-{use}", shown, "code", source, None, f'{{"num_rows": {len(tickets)}}}')

    def curve(self, run: str, progress: Progress) -> None:
        """The loss of every step so far; a step that is there already is the same again."""
        from mlflow.entities import Metric

        steps = zip(progress.losses, progress.times_ms, strict=True)
        points = [Metric("loss", loss, at, step) for step, (loss, at) in enumerate(steps, 1)]
        self.client.log_batch(run, metrics=points)

    def metrics(self, run: str, values: Mapping[str, float]) -> None:
        """Metrics that have one value."""
        for name, value in values.items():
            self.client.log_metric(run, name, value)

    def file(self, run: str, file: Path, folder: str = "") -> None:
        """Uploads a file to the run's artifacts."""
        self.client.log_artifact(run, str(file), folder or None)

    def text(self, run: str, text: str, path: str) -> None:
        """Uploads a text to the run's artifacts."""
        self.client.log_text(run, text, path)

    def finished(self, run: str) -> None:
        """Marks the run as whole."""
        self.client.set_terminated(run)

    def registered(self, run: str, recipe: Recipe, tags: Mapping[str, str]) -> int:
        """The number of the new version whose weights are the run's folder `adapter`."""
        where = self.client.get_run(run).info.artifact_uri
        said = f"{'SHORT: ' * self.plan.short}recipe {recipe.name}, rank {recipe.rank}, {recipe.steps} steps"
        made = self.client.create_model_version(
            self.plan.model, f"{where}/adapter", run, tags=dict(tags), description=said, await_creation_for=0
        )
        return int(made.version)

    def candidate(self, version: int) -> None:
        """Points the alias `candidate` at a version."""
        self.client.set_registered_model_alias(self.plan.model, "candidate", str(version))
