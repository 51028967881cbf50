"""What runs in the registry's pods: MLflow's arguments, environment, files and limits, as plain values.

Everything that a server needs to know is here, so that a test can start a real server with exactly these arguments. Where a
database's password changes under a running server, nothing restarts: the connection string names a *service*, libpq reads
the service's file whenever it opens a connection, and Kubernetes keeps that file as fresh as the secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.registry import files as registry_files
from components.registry.files import APP, APP_DIR, CONFIG_DIR
from components.resources import LOGS_MIB, resources
from core.versions import IMAGES

PORT = 5000
NAME, UPGRADE = "registry", "registry-upgrade"
NAMESPACE = "modelyard-registry"
SERVICE_ACCOUNT = "registry"
KEYS, DATABASE = "registry-keys", "registry-database"
"""The Secret of the server's own keys, and the Secret of the database."""
READER = "registry-reader"
"""The Secret of the user who reads for model servers; only where there are releases."""
DATABASE_DIR, DATA_DIR = "/run/registry/database", "/var/lib/registry"
METRICS_DIR, TEMPORARY_DIR = "/run/registry/metrics", "/tmp"  # noqa: S108 - a volume of the pod's own
USER_ID = 10001

POSTGRES_TRACKING = "postgresql+psycopg2:///?service=registry"
POSTGRES_AUTH = "postgresql+psycopg2:///?service=registry-auth"
SQLITE_TRACKING, SQLITE_AUTH = f"sqlite:///{DATA_DIR}/registry.db", f"sqlite:///{DATA_DIR}/auth.db"
AUTH_DATABASE = "registry_auth"

STATEMENT_SECONDS, CONNECT_SECONDS = 60, 5
"""Longest that a query and a connection attempt may take, so that a stuck database does not hold every worker."""
KEEP_ALIVE_SECONDS, DRAIN_SECONDS, STOP_SECONDS = 75, 30, 45
LOADING_SECONDS = 60
"""How long a worker may not answer its parent. uvicorn kills it after 5 s by default, and on a busy node loading takes longer."""
CONCURRENCY, HEADER_BYTES = 256, 65536


def addresses() -> list[str]:
    """The names by which pods reach the registry, the shortest one first."""
    return [NAME, f"{NAME}.{NAMESPACE}", f"{NAME}.{NAMESPACE}.svc", f"{NAME}.{NAMESPACE}.svc.cluster.local"]


def url() -> str:
    """The registry's address inside the cluster."""
    return f"http://{addresses()[-1]}:{PORT}"


def allowed_hosts(outside: str = "") -> list[str]:
    """The Host headers that the server answers: its own names, and what a port-forward and the metrics scrape send.

    `outside` is the one name that clients outside the cluster ask for. No pattern matches an IP address or any other name
    outside, so a rebound DNS name is refused.
    """
    own = [*(f"{address}:{PORT}" for address in addresses()), *([outside] if outside else [])]
    return [*own, f"*.{NAMESPACE}.pod.cluster.local:{PORT}", "localhost:*", "127.0.0.1:*"]


def scrape() -> dict[str, Any]:
    """How Prometheus asks each server: as the user who may only do that, and by the pod's name in DNS.

    The server refuses a Host header that is an address; CoreDNS has a name for each pod (`pods insecure`, EKS's default).
    """
    octets = r"(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)"
    return {
        "port": "http",
        "path": "/metrics",
        "interval": "30s",
        "basicAuth": {
            "username": {"name": KEYS, "key": "metricsUser"},
            "password": {"name": KEYS, "key": "metricsPassword"},
        },
        "relabelings": [
            {
                "sourceLabels": ["__address__"],
                "regex": octets,
                "targetLabel": "__address__",
                "replacement": f"$1-$2-$3-$4.{NAMESPACE}.pod.cluster.local:$5",
            }
        ],
    }


def server_args(*, tracking_uri: str, artifacts: str, workers: int, outside: str = "") -> list[str]:
    """MLflow's command line: artifacts through the server, users on, metrics, and limits on what a client may hold.

    `outside` is the name for clients outside the cluster, who come over TLS; empty when there are none.
    """
    origins = [url(), *([f"https://{outside}"] if outside else [])]
    uvicorn = [
        f"--timeout-keep-alive {KEEP_ALIVE_SECONDS}",
        f"--timeout-graceful-shutdown {DRAIN_SECONDS}",
        f"--timeout-worker-healthcheck {LOADING_SECONDS}",
        f"--limit-concurrency {CONCURRENCY}",
        f"--h11-max-incomplete-event-size {HEADER_BYTES}",
        "--no-server-header",
    ]
    return [
        "mlflow",
        "server",
        "--host=0.0.0.0",
        f"--port={PORT}",
        f"--workers={workers}",
        f"--backend-store-uri={tracking_uri}",
        "--serve-artifacts",
        f"--artifacts-destination={artifacts}",
        f"--app-name={APP}",
        f"--expose-prometheus={METRICS_DIR}",
        f"--allowed-hosts={','.join(allowed_hosts(outside))}",
        f"--cors-allowed-origins={','.join(origins)}",
        "--x-frame-options=DENY",
        f"--uvicorn-opts={' '.join(uvicorn)}",
    ]


def environment() -> list[dict[str, Any]]:
    """What MLflow reads in server and upgrade alike; keys come from the Secret, never from the manifest."""
    plain = {
        "HOME": TEMPORARY_DIR,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PGSERVICEFILE": f"{DATABASE_DIR}/pg_service.conf",
        "MLFLOW_AUTH_CONFIG_PATH": f"{CONFIG_DIR}/auth.ini",
        # MLflow has no rule for `/metrics`, and closed it would answer nobody but an administrator. Every other route has one.
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "false",
        # Jobs would run in every replica at once; they need a Redis that this platform does not have.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "4",
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "6",
        "MLFLOW_WEBHOOK_REQUEST_TIMEOUT": "10",
        "MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES": "3",
        "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "600",
        "DO_NOT_TRACK": "true",
    }
    return [
        *({"name": name, "value": value} for name, value in plain.items()),
        _from_keys("MLFLOW_FLASK_SERVER_SECRET_KEY", "flaskSecretKey"),
        _from_keys("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "webhookEncryptionKey"),
        _from_keys("MLFLOW_CRYPTO_KEK_PASSPHRASE", "kekPassphrase"),
    ]


def server_environment(*, request_mb: int, upload_gb: int) -> list[dict[str, Any]]:
    """What a server reads: the shared environment, where the platform's own application is, and its limits."""
    own = {
        "PYTHONPATH": APP_DIR,
        "REGISTRY_REQUEST_BYTES": str(request_mb * 1024**2),
        "REGISTRY_UPLOAD_BYTES": str(upload_gb * 1024**3),
    }
    return [*environment(), *({"name": name, "value": value} for name, value in own.items())]


def upgrade_environment(*, reader: bool = False) -> list[dict[str, Any]]:
    """What the upgrade reads: the shared environment, and the passwords of the service users; `reader` is the third of them."""
    password = {
        "name": "REGISTRY_READER_PASSWORD",
        "value_from": {"secret_key_ref": {"name": READER, "key": "password"}},
    }
    return [
        *environment(),
        {"name": "REGISTRY_AUTH_DATABASE", "value": AUTH_DATABASE},
        _from_keys("MLFLOW_AUTH_ADMIN_PASSWORD", "adminPassword"),
        _from_keys("REGISTRY_METRICS_PASSWORD", "metricsPassword"),
        *([password] if reader else []),
    ]


def _from_keys(variable: str, key: str) -> dict[str, Any]:
    return {"name": variable, "value_from": {"secret_key_ref": {"name": KEYS, "key": key}}}


def service_file(*, host: str, user: str, password: str, database: str, certificates: str) -> str:
    """libpq's file of services: the two databases on one server, over TLS with the server's certificate checked."""
    shared = [
        f"host={host}",
        "port=5432",
        f"user={user}",
        f"password={password}",
        "sslmode=verify-full",
        f"sslrootcert={certificates}",
        f"connect_timeout={CONNECT_SECONDS}",
        "keepalives_idle=30",
        "tcp_user_timeout=20000",
    ]
    limit = f"options=-c statement_timeout={STATEMENT_SECONDS}s"
    services = {
        "registry": [f"dbname={database}", limit],
        "registry-auth": [f"dbname={AUTH_DATABASE}", limit],
        "registry-upgrade": [f"dbname={database}"],
        "registry-auth-upgrade": [f"dbname={AUTH_DATABASE}"],
    }
    lines = [line for name, own in services.items() for line in (f"[{name}]", *shared, *own, "")]
    return "\n".join(lines)


def disk_mib(temporary_gb: int) -> int:
    """What a pod may write on its node (MiB): its temporary volume, and what the kubelet keeps of its log."""
    return temporary_gb * 1024 + LOGS_MIB


def labels(component: str) -> dict[str, str]:
    """What the registry's Service, policies and budgets select pods by."""
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": component}


def pod(
    *, container: Mapping[str, Any], volume: Mapping[str, Any] | None, temporary_gb: int, restart: str = "Always"
) -> dict[str, Any]:
    """A restricted pod that can write only into volumes of its own; `volume` is where a local stack keeps its data."""
    mounts = [
        {"name": "config", "mount_path": CONFIG_DIR, "read_only": True},
        {"name": "metrics", "mount_path": METRICS_DIR},
        {"name": "temporary", "mount_path": TEMPORARY_DIR},
    ]
    volumes: list[dict[str, Any]] = [
        {"name": "config", **registry_files.volume(authority=volume is None)},
        {"name": "metrics", "empty_dir": {"medium": "Memory", "size_limit": "64Mi"}},
        {"name": "temporary", "empty_dir": {"size_limit": f"{temporary_gb}Gi"}},
    ]
    if volume is None:
        mounts.append({"name": "database", "mount_path": DATABASE_DIR, "read_only": True})
        volumes.append({"name": "database", "secret": {"secret_name": DATABASE, "default_mode": 0o440}})
    else:
        mounts.append({"name": "data", "mount_path": DATA_DIR})
        volumes.append({"name": "data", **volume})
    return {
        "service_account_name": SERVICE_ACCOUNT,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "restart_policy": restart,
        "termination_grace_period_seconds": STOP_SECONDS,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": USER_ID,
            "fs_group": USER_ID,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "image": IMAGES["mlflow"].reference,
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": mounts,
                **container,
            }
        ],
        "volumes": volumes,
    }


def server_container(
    *, args: list[str], env: list[dict[str, Any]], cpu: str, memory: str, temporary_gb: int
) -> dict[str, Any]:
    """The server's container: its probes ask `/health`, which needs no user and answers under any Host header."""
    probe = {"http_get": {"path": "/health", "port": "http"}, "timeout_seconds": 5}
    return {
        "name": NAME,
        "command": args[:1],
        "args": args[1:],
        "env": env,
        "ports": [{"name": "http", "container_port": PORT}],
        "resources": resources(cpu, memory, disk_mib(temporary_gb)),
        "startup_probe": {**probe, "period_seconds": 5, "failure_threshold": 36},
        "readiness_probe": {**probe, "period_seconds": 5, "failure_threshold": 3},
        "liveness_probe": {**probe, "period_seconds": 10, "failure_threshold": 6},
        # Endpoints are told of a pod's end at the time that the pod is; what still arrives is answered.
        "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
    }


def upgrade_container(*, tracking_uri: str, auth_uri: str, temporary_gb: int, reader: bool = False) -> dict[str, Any]:
    """The upgrade's container: the script from the ConfigMap, in the image that the servers will run."""
    return {
        "name": "upgrade",
        "command": ["python", f"{CONFIG_DIR}/upgrade.py"],
        "args": [_without_limit(tracking_uri), _without_limit(auth_uri)],
        "env": upgrade_environment(reader=reader),
        "resources": resources("250m", "1Gi", disk_mib(temporary_gb)),
    }


def _without_limit(uri: str) -> str:
    """The service that names the same database and lets a statement take as long as a migration does."""
    return f"{uri}-upgrade" if "service=" in uri else uri
