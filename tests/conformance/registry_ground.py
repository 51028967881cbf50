"""Ground for the registry as prod is built: a real PostgreSQL behind TLS, an S3 API, and what the Deployment and the Job declare.

What is declared is run as it is: the command, its arguments, the environment and the mounted files. Only paths (a folder for
each mount), the port and the addresses of AWS are put in their place; the Secrets hold what External Secrets would write.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi_kubernetes as k8s
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.registry_secrets import AwsSecrets, keys
from components.registry_server import Registry, RegistryArgs, RegistryServerSpec
from infra.declared import declare

BUCKET, USER = "modelyard-dev-registry-123456789012", "modelyard"
START_SECONDS = 180


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class TlsDoor:
    """Speaks TLS in front of a PostgreSQL that cannot: answers the client's wish for TLS and hands on what it then says.

    `closed` makes it answer that there is no TLS, as a server does that somebody has put in the way.
    """

    folder: Path
    database: Path
    port: int = field(default_factory=free_port)
    closed: bool = False

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.authority = certificate.public_bytes(serialization.Encoding.PEM).decode()
        pem = self.folder / "door.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem.write_bytes(private + self.authority.encode())
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.recv(8)
            client.sendall(b"N" if self.closed else b"S")
            if self.closed:
                return
            spoken = self._context.wrap_socket(client, server_side=True)
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(str(self.database / ".s.PGSQL.5432"))
                back = threading.Thread(target=_hand_on, args=(server, spoken), daemon=True)
                back.start()
                _hand_on(spoken, server)


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def declared_registry() -> dict[str, Any]:
    """What the component declares for a stack on AWS, by kind; the database is at `localhost`."""

    def program() -> None:
        aws = AwsSecrets(
            name="modelyard-dev",
            region="us-east-1",
            protect=False,
            database_address="localhost",
            database_secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-0",
            key_arn="arn:aws:kms:us-east-1:123456789012:key/0",
            operator_role="external-secrets",
        )
        args = RegistryArgs(
            spec=RegistryServerSpec(),
            aws=aws,
            bucket=BUCKET,
            volume_gb=1,
            storage_class="gp3",
            region="us-east-1",
            clients=["modelyard-serving"],
            monitoring=None,
            scraper="monitoring",
            labels={},
            provider=k8s.Provider("cluster"),
            needs=[],
        )
        Registry("registry", args)

    found = declare(program, project="modelyard", stack="trial")
    named = {(each.token.rpartition(":")[2], each.name): each.inputs for each in found.values()}
    return {
        "server": named["Deployment", "registry"]["spec"]["template"]["spec"],
        "upgrade": named["Job", "registry-upgrade"]["spec"]["template"]["spec"],
        "files": named["ConfigMap", "registry"]["data"],
        "services": named["ExternalSecret", "registry-database"]["spec"]["target"]["template"]["data"],
    }


@dataclass
class Ground:
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
        for name, text in {**self.declared["files"], "authority.pem": self.door.authority}.items():
            (self.paths["/etc/registry"] / name).write_text(self.here(text))
        self.bring_secrets()

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
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        # Under any Host: the kubelet asks with the pod's address.
        return requests.get(url, headers={"Host": "10.20.3.4:5000"}, timeout=10).status_code == 200
    except requests.RequestException:
        return False
