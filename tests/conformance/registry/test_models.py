"""Real runs and versions, logged with MLflow's own client and scikit-learn, read back by `modelyard models`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops import cli
from registry.api import Server

pytestmark = pytest.mark.conformance

TRAINING = """
import mlflow, mlflow.data, pandas, sklearn.datasets, sklearn.linear_model, sklearn.model_selection, sys

name, experiment = sys.argv[1:]
mlflow.set_experiment(experiment)
iris = sklearn.datasets.load_iris(as_frame=True)
data = mlflow.data.from_pandas(iris.frame, name="iris", targets="target")
parts = sklearn.model_selection.train_test_split(iris.data, iris.target, test_size=0.4, random_state=0)
train, test, train_y, test_y = parts
for strength in (0.001, 0.1, 10.0):
    with mlflow.start_run():
        model = sklearn.linear_model.LogisticRegression(C=strength, max_iter=300).fit(train, train_y)
        mlflow.log_input(data, context="training")
        mlflow.log_params({"C": strength, "max_iter": 300})
        mlflow.log_metric("accuracy", model.score(test, test_y))
        signature = mlflow.models.infer_signature(train, model.predict(train))
        mlflow.sklearn.log_model(model, name="model", signature=signature, registered_model_name=name,
                                 pip_requirements=["scikit-learn"])
mlflow.MlflowClient().set_registered_model_alias(name, "production", 2)
"""


def test_versions_of_a_model_are_listed_shown_compared_and_drawn(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = {"MLFLOW_TRACKING_USERNAME": server.user, "MLFLOW_TRACKING_PASSWORD": server.password}
    env = {**os.environ, **who, "MLFLOW_TRACKING_URI": server.url}
    subprocess.run([sys.executable, "-c", TRAINING, "iris", "irises"], env=env, check=True, capture_output=True)
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
    head, *rows = capfd.readouterr().out.splitlines()
    assert head.split() == ["version", "aliases", "C", "accuracy"] and len(rows) == 3
    assert "<td>production</td>" in page.read_text()
    assert cli.run(["models", "compare", "iris", *at, "--metric", "accuracy", "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    capfd.readouterr()
    assert cli.run(["models", "compare", "iris", *at, "--metric", "acuracy"]) == 3
    assert "accuracy" in capfd.readouterr().err
