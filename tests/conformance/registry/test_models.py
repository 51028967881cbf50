"""Real runs and versions, logged with MLflow's own client and scikit-learn, read back by `modelyard models`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlflow_provider.api import Server
from ops import cli

pytestmark = pytest.mark.conformance

TRAINING = """
import mlflow, mlflow.data, pandas, sklearn.datasets, sklearn.linear_model, sklearn.model_selection, sys

name, experiment, use = sys.argv[1:]
mlflow.set_experiment(experiment)
iris = sklearn.datasets.load_iris(as_frame=True)
data = mlflow.data.from_pandas(iris.frame, name="iris", targets="target")
parts = sklearn.model_selection.train_test_split(iris.data, iris.target, test_size=0.4, random_state=0)
train, test, train_y, test_y = parts
for strength in (0.001, 0.1, 10.0):
    with mlflow.start_run():
        model = sklearn.linear_model.LogisticRegression(C=strength, max_iter=300).fit(train, train_y)
        mlflow.log_input(data, context="training")
        if use:
            rows = mlflow.data.from_pandas(test.head(40 if use == "other" and strength > 1 else 60), name="held out")
            mlflow.log_input(rows, context="evaluation")
        mlflow.log_params({"C": strength, "max_iter": 300})
        mlflow.log_metric("accuracy", model.score(test, test_y))
        signature = mlflow.models.infer_signature(train, model.predict(train))
        mlflow.sklearn.log_model(model, name="model", signature=signature, registered_model_name=name,
                                 pip_requirements=["scikit-learn"])
mlflow.MlflowClient().set_registered_model_alias(name, "production", 2)
"""


def trained(server: Server, name: str, use: str) -> None:
    """Three versions; `use` says whether their runs name the data they were judged on, and whether it is the same."""
    who = {"MLFLOW_TRACKING_USERNAME": server.user, "MLFLOW_TRACKING_PASSWORD": server.password}
    env = {**os.environ, **who, "MLFLOW_TRACKING_URI": server.url}
    subprocess.run([sys.executable, "-c", TRAINING, name, f"{name}s", use], env=env, check=True, capture_output=True)


def test_versions_of_a_model_are_listed_shown_compared_and_drawn(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(server, "iris", "same")
    monkeypatch.setenv("MODELYARD_REGISTRY_USER", server.user)
    monkeypatch.setenv("MODELYARD_REGISTRY_PASSWORD", server.password)
    at = ["--stack", "dev", "--url", server.url]
    capfd.readouterr()

    assert cli.run(["models", "list", *at]) == 0
    assert "iris" in capfd.readouterr().out
    assert cli.run(["models", "show", "iris", *at, "--format", "json"]) == 0
    first, second, third = json.loads(capfd.readouterr().out)
    assert (first["version"], second["aliases"], third["params"]["C"]) == (1, ["production"], "10.0")
    assert third["metrics"]["accuracy"] > first["metrics"]["accuracy"]
    assert first["datasets"][0].startswith("iris (") and len(first["run"]) == 32
    assert first["signature"].startswith("sepal length (cm): double") and "->" in first["signature"]

    page, picture = tmp_path / "accuracy.html", tmp_path / "accuracy.png"
    assert cli.run(["models", "compare", "iris", *at, "--metric", "accuracy", "--out", str(page)]) == 0
    lines = capfd.readouterr().out.splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    assert lines[0].split() == ["iris", "version", "1", "version", "2", "version", "3"]
    assert cells["C"] == ["0.001", "0.1", "10.0"] and cells["aliases"] == ["production"]
    assert cells["accuracy"][-1] == "*" and cells["size"][1::2] == ["MB"] * 3
    assert len(set(cells["judged"][1:])) == 1 and len(cells["judged"]) == 4
    assert "<td>production" in page.read_text() and "data:image/png" in page.read_text()
    assert cli.run(["models", "compare", "iris", *at, "--metric", "accuracy", "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    capfd.readouterr()
    assert cli.run(["models", "compare", "iris", *at, "--metric", "acuracy"]) == 3
    assert "accuracy" in capfd.readouterr().err


def test_versions_that_were_judged_on_different_data_or_on_none_that_is_known_are_refused(
    server: Server, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_REGISTRY_USER", server.user)
    monkeypatch.setenv("MODELYARD_REGISTRY_PASSWORD", server.password)
    at = ["--stack", "dev", "--url", server.url]
    trained(server, "fern", "other")
    trained(server, "moss", "")
    capfd.readouterr()
    assert cli.run(["models", "compare", "fern", *at]) == 3
    assert "versions 1, 2: " in (said := capfd.readouterr().err) and "; version 3: " in said
    assert cli.run(["models", "compare", "fern", "1", "production", *at]) == 0
    assert cli.run(["models", "compare", "moss", *at]) == 3
    assert capfd.readouterr().err.count("what this version was judged on is not known") == 3
    assert cli.run(["models", "compare", "moss", *at, "--any-data"]) == 0
    assert "nothing is marked as best" in capfd.readouterr().out
