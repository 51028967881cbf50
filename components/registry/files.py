"""What the registry's pods read from their ConfigMap: MLflow's users, the upgrade, and what the platform adds to the server.

The addition is found the way that MLflow finds any: an installed package with an entry point `mlflow.app`. So the ConfigMap's
volume has the two files that make a folder of Python's path an installed package.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

CONFIG, CONFIG_DIR = "registry", "/etc/registry"
"""The ConfigMap of what may be read by anybody, and where the pods have it."""
APP, APP_DIR = "modelyard", f"{CONFIG_DIR}/app"
"""The server's application by its name for MLflow, and the folder that the servers' Python looks into for it."""
AUTHORITY = "authority.pem"
"""The certificate of whoever signs the database's; only in AWS."""

_SOURCES = Path(__file__).parent / "in_cluster"
_PACKAGE = "modelyard_registry-0.dist-info"
_PATHS = {
    "auth.ini": "auth.ini",
    "upgrade.py": "upgrade.py",
    "registry_app.py": "app/in_cluster/registry_app.py",
    "registry_limits.py": "app/in_cluster/registry_limits.py",
    "registry_webhooks.py": "app/in_cluster/registry_webhooks.py",
    "entry_points.txt": f"app/{_PACKAGE}/entry_points.txt",
    "METADATA": f"app/{_PACKAGE}/METADATA",
    AUTHORITY: AUTHORITY,
}
"""Where each file lies below `CONFIG_DIR`."""


def files(auth_uri: str, default_permission: str) -> dict[str, str]:
    """The ConfigMap's data, without the authority's certificate."""
    return {
        "auth.ini": _auth_config(auth_uri, default_permission),
        "upgrade.py": _source("registry_upgrade.py"),
        "registry_app.py": _source("registry_app.py"),
        "registry_limits.py": _source("registry_limits.py"),
        "registry_webhooks.py": _source("registry_webhooks.py"),
        "entry_points.txt": f"[mlflow.app]\n{APP} = in_cluster.registry_app:create_app\n",
        "METADATA": "Metadata-Version: 2.1\nName: modelyard-registry\nVersion: 0\n",
    }


def volume(*, authority: bool) -> dict[str, Any]:
    """The pods' volume with the ConfigMap's files, each at its place; `authority` says that its certificate is among them."""
    named: Iterable[tuple[str, str]] = ((key, path) for key, path in _PATHS.items() if authority or key != AUTHORITY)
    return {"config_map": {"name": CONFIG, "items": [{"key": key, "path": path} for key, path in named]}}


def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _auth_config(auth_uri: str, default_permission: str) -> str:
    """MLflow's file for its users' app; the admin's password is not in it, the upgrade sets that."""
    return "\n".join(
        [
            "[mlflow]",
            f"default_permission = {default_permission}",
            f"database_uri = {auth_uri}",
            "admin_username = admin",
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth",
            "",
        ]
    )
