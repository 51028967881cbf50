"""A real MLflow server beside the simulated clouds: it listens at once, and is loaded when somebody first connects.

Loading takes seconds, and a preview asks nothing of a registry. So this process holds the socket open, and only a first
connection makes it import MLflow and serve. Whoever connects meanwhile waits. It lives as long as whoever started it.

`python -m sandbox.stack.mlflow_server --folder DIR [--users]` prints its port; runs, models and files stay under DIR.
"""

from __future__ import annotations

import argparse
import base64
import gc
import importlib.metadata
import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.peer import Callers

COMMAND = (sys.executable, "-m", "sandbox.stack.mlflow_server")
ADMIN = "admin"
_ARTIFACTS = "mlflow-artifacts:/"
_KEPT = ("port", "admin", "flask", "webhooks", "gateway")


@dataclass(frozen=True)
class MlflowServer:
    """A registry's server; `password` is empty when it asks nobody who they are."""

    url: str
    password: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)

    def variables(self) -> dict[str, str]:
        """How a provider of registry content, and MLflow's own client, find this server instead of any other."""
        where = {
            "MODELYARD_REGISTRY_URL": self.url,
            "MLFLOW_TRACKING_URI": self.url,
            "MODELYARD_REGISTRY_SIMULATED": "1",
        }
        who = {
            f"{prefix}_{key}": value
            for prefix, user in (("MODELYARD_REGISTRY", "USER"), ("MLFLOW_TRACKING", "USERNAME"))
            for key, value in ((user, ADMIN), ("PASSWORD", self.password))
        }
        return {**where, **(who if self.password else {})}

    def close(self) -> None:
        """Ends the server."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path, cache: Path, env: Mapping[str, str], *, users: bool) -> MlflowServer:
    """Starts listening for the registry whose data is under `folder`; `users` makes it ask for a name and a password.

    `cache` is for what every registry starts from.
    """
    command = [*COMMAND, "--folder", str(folder), "--cache", str(cache), *(["--users"] if users else [])]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "server.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    port = int((process.stdout.readline() if process.stdout else "") or 0)
    password = str(_kept(folder)["admin"]) if users else ""
    return MlflowServer(f"http://127.0.0.1:{port}", password, process)


def main(arguments: list[str] | None = None) -> int:
    """Listens, loads the server at the first connection, and ends with its standard input."""
    parser = argparse.ArgumentParser(prog="sandbox.stack.mlflow_server")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--users", action="store_true")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = _kept(options.folder)
    listener = _listen(int(kept["port"]))
    _keep(options.folder, {**kept, "port": listener.getsockname()[1]})
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    ready, _, _ = select.select([listener, sys.stdin], [], [])
    if listener not in ready:
        return 0
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.environ.update(_environment(options.folder, kept))
    _database(options.folder / "mlflow.db", options.cache)
    _serve(listener, users=options.users)
    return 0


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _listen(port: int) -> socket.socket:
    """The port that this registry had before, when it is free: bookmarks and notebooks then still work."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError:
        return socket.create_server(("127.0.0.1", 0), backlog=128)


def _database(file: Path, cache: Path) -> None:
    """A database with MLflow's tables, whole or not at all: MLflow's own first requests would make them side by side."""
    if file.exists():
        return
    template = cache / f"mlflow-{importlib.metadata.version('mlflow')}.db"
    if not template.exists():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        cache.mkdir(parents=True, exist_ok=True)
        draft = cache / f".mlflow-{os.getpid()}.db"
        SqlAlchemyStore(f"sqlite:///{draft}", _ARTIFACTS).engine.dispose()  # type: ignore[no-untyped-call]
        draft.replace(template)
    copy = file.with_suffix(".new")
    shutil.copyfile(template, copy)
    copy.replace(file)


def _serve(listener: socket.socket, *, users: bool) -> None:
    # All that loading makes stays to the end; looking through it again and again for garbage takes a fifth of the time.
    gc.disable()
    import uvicorn

    if users:
        from mlflow.server.auth import create_app

        app = create_app()
    else:
        from mlflow.server.fastapi_app import app
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        _for_this_user(app, Callers(listener.getsockname()[1])), log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def _for_this_user(app: Any, callers: Callers) -> Any:
    """The app for processes of this user alone: anybody on this machine can dial its port."""

    async def asked(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        client = scope.get("client") or ("", 0)
        if scope["type"] not in ("http", "websocket") or (client[0] == "127.0.0.1" and callers.allow(client[1])):
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"this registry answers only the user who started it"})
        else:
            await send({"type": "websocket.close", "code": 1008})

    return asked


def _environment(folder: Path, kept: Mapping[str, Any]) -> dict[str, str]:
    """What `mlflow server` tells its workers (mlflow 3.17, `mlflow/server/constants.py`), and its keys."""
    config = folder / "auth.ini"
    database = f"sqlite:///{folder}/users.db"
    said = {"default_permission": "READ", "database_uri": database, "admin_username": ADMIN}
    # Each request would otherwise hash its password anew, which takes longer than the request.
    said["auth_cache_ttl_seconds"] = "60"
    config.write_text("[mlflow]\n" + "".join(f"{key} = {value}\n" for key, value in said.items()))
    return {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": _ARTIFACTS,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_PASSWORD": str(kept["admin"]),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": str(kept["flask"]),
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": str(kept["webhooks"]),
        "MLFLOW_CRYPTO_KEK_PASSPHRASE": str(kept["gateway"]),
        # Stack files name addresses that only their own network knows.
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "https,http",
    }


def _kept(folder: Path) -> dict[str, Any]:
    """The registry's port and keys, made once."""
    file = folder / "keys.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    if set(found) != set(_KEPT):
        fresh = {name: secrets.token_urlsafe(24) for name in _KEPT}
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        found = {**fresh, "port": 0, "webhooks": key}
        _keep(folder, found)
    return dict(found)


def _keep(folder: Path, kept: Mapping[str, Any]) -> None:
    draft = folder / f".keys.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(dict(kept), file)
    draft.replace(folder / "keys.json")


if __name__ == "__main__":
    os._exit(main())
