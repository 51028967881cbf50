"""The whole way as prod is built: an older database upgraded by the declared Job, the declared server with its users on real
PostgreSQL and an S3 API, its content by the engine, and a run with its files through the server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from mlflow.server.auth.db import utils as auth_schema
from mlflow.store.db import utils as schema
from mlflow.store.tracking.dbmodels.initial_models import Base
from werkzeug.security import generate_password_hash

from mlflow_provider.api import Rejected, Server
from tests.conformance.registry.playground import Playground
from tests.conformance.registry.setting import BUCKET, USER, Setting, opened

pytestmark = pytest.mark.conformance
OLDER, OLDER_USERS = "0584bdc529eb", "8606fa83a998"
"""The last schema of MLflow 2, and the first one of its users' app."""

TRAINING = """
import json, mlflow, pathlib, sys, tempfile

mlflow.set_experiment("support")
weights = pathlib.Path(tempfile.mkdtemp()) / "weights.bin"
weights.write_bytes(bytes(range(256)) * 4096)
with mlflow.start_run() as run:
    mlflow.log_params({"depth": 3})
    mlflow.log_metric("accuracy", 0.9)
    mlflow.log_artifact(str(weights))
client = mlflow.MlflowClient()
made = client.create_model_version("assistant", f"{run.info.artifact_uri}", run.info.run_id)
back = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights.bin"))
print(json.dumps({
    "run": run.info.run_id, "uri": run.info.artifact_uri, "same": back.read_bytes() == weights.read_bytes(),
    "version": int(made.version),
}))
"""


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A database as MLflow 2 left it, with a run, a model and a user."""
    with opened(tmp_path_factory.mktemp("prod")) as made:
        _tracking(_engine(made, "registry"))
        made.database.psql(f"CREATE DATABASE registry_auth OWNER {USER}")
        _users(_engine(made, "registry_auth"))
        yield made


def _engine(setting: Setting, database: str) -> sqlalchemy.Engine:
    where = {"host": str(setting.door.database)}
    url = sqlalchemy.URL.create("postgresql+psycopg2", USER, setting.password, database=database, query=where)
    return sqlalchemy.create_engine(url)


def _fill(engine: sqlalchemy.Engine, rows: dict[str, dict[str, Any]]) -> None:
    tables = sqlalchemy.MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(tables.tables[name].insert().values(values))
    engine.dispose()


def _tracking(engine: sqlalchemy.Engine) -> None:
    Base.metadata.create_all(engine)
    config = schema._get_alembic_config(engine.url.render_as_string(hide_password=False))  # type: ignore[no-untyped-call]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLDER)
    run = {
        "run_uuid": "a" * 32,
        "status": "FINISHED",
        "lifecycle_stage": "active",
        "source_type": "LOCAL",
        "user_id": "ada",
    }
    times = {"creation_time": 1, "last_update_time": 1}
    changed = {"creation_time": 1, "last_updated_time": 1}
    at = {"timestamp": 1, "step": 0, "is_nan": False}
    _fill(
        engine,
        {
            "experiments": {"experiment_id": 7, "name": "of old", "lifecycle_stage": "active", **times},
            "runs": {
                **run,
                "experiment_id": 7,
                "start_time": 1,
                "end_time": 2,
                "name": "first",
                "artifact_uri": f"s3://{BUCKET}/7/a",
            },
            "params": {"run_uuid": "a" * 32, "key": "depth", "value": "3"},
            "metrics": {"run_uuid": "a" * 32, "key": "accuracy", "value": 0.5, **at},
            "latest_metrics": {"run_uuid": "a" * 32, "key": "accuracy", "value": 0.5, **at},
            "registered_models": {"name": "veteran", "description": "from 2.x", **changed},
            "model_versions": {"name": "veteran", "version": 1, "source": f"s3://{BUCKET}/7/a", **changed},
            "registered_model_aliases": {"name": "veteran", "alias": "production", "version": 1},
        },
    )


def _users(engine: sqlalchemy.Engine) -> None:
    auth_schema.migrate(engine, OLDER_USERS)
    word = generate_password_hash("a-word-of-old")
    _fill(
        engine,
        {
            "users": {"username": "ada", "password_hash": word, "is_admin": False},
            "experiment_permissions": {"experiment_id": "7", "user_id": 1, "permission": "EDIT"},
        },
    )


@pytest.fixture(scope="module")
def url(setting: Setting) -> Iterator[str]:
    setting.upgrade()
    with setting.server() as address:
        yield address


@pytest.fixture
def admin(setting: Setting, url: str) -> Server:
    return Server(url, "admin", setting.secrets["adminPassword"])


def test_what_an_older_server_kept_is_there_after_the_upgrade_and_its_users_too(url: str, admin: Server) -> None:
    run = admin.get("2.0/mlflow/runs/get", run_id="a" * 32)["run"]
    assert {metric["key"]: metric["value"] for metric in run["data"]["metrics"]} == {"accuracy": 0.5}
    model = admin.get("2.0/mlflow/registered-models/get", name="veteran")["registered_model"]
    assert (model["description"], model["aliases"][0]["alias"]) == ("from 2.x", "production")
    ada = Server(url, "ada", "a-word-of-old")
    ada.post("2.0/mlflow/experiments/set-experiment-tag", experiment_id="7", key="seen", value="yes")
    with pytest.raises(Rejected):
        ada.post("2.0/mlflow/experiments/set-experiment-tag", experiment_id="0", key="seen", value="yes")


def test_content_a_run_its_file_and_an_alias_go_the_whole_way(
    setting: Setting, admin: Server, playground: Callable[..., Playground]
) -> None:
    where = {"MODELYARD_REGISTRY_URL": admin.url, "MODELYARD_REGISTRY_USER": "admin"}
    play = playground(**where, MODELYARD_REGISTRY_PASSWORD=admin.password)
    play.content = {
        "experiments": {"support": {"description": "Answers"}},
        "models": {"assistant": {"description": "Answers customers"}, "veteran": {"description": "from 2.x"}},
        "prompts": {"greeting": {"file": play.prompt("greeting.md", "Be kind."), "aliases": {"production": {}}}},
    }
    play.up()
    logged = trained(admin)
    assert logged["same"] and logged["uri"].startswith("mlflow-artifacts:/")
    kept = setting.bucket.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [(each["Key"].endswith(f"{logged['run']}/artifacts/weights.bin"), each["Size"]) for each in kept] == [
        (True, 256 * 4096)
    ]
    play.content["models"]["assistant"]["aliases"] = {"candidate": {"version": logged["version"]}}
    play.up()
    aliased = admin.get("2.0/mlflow/registered-models/alias", name="assistant", alias="candidate")["model_version"]
    assert (int(aliased["version"]), aliased["run_id"]) == (logged["version"], logged["run"])
    assert play.preview().events.touched == 0


def trained(server: Server) -> dict[str, Any]:
    """Logs with MLflow's own client as somebody who knows nothing of AWS, and tells what it saw."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MLFLOW_"))}
    who = {"MLFLOW_TRACKING_USERNAME": server.user, "MLFLOW_TRACKING_PASSWORD": server.password}
    env = {**kept, **who, "MLFLOW_TRACKING_URI": server.url}
    done = subprocess.run([sys.executable, "-c", TRAINING], env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
