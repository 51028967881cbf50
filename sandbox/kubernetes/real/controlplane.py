"""A Kubernetes control plane of one's own: etcd, the API server, its controllers and the scheduler, without containers.

Real binaries with RBAC and Pod Security admission, on free ports of 127.0.0.1 only, in a folder that only its owner may
read. Nothing runs pods. All of it ends with the process that started it, however that ends.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from core.problem import ExitCode, Problem, Refused
from sandbox.environment import of_this_process
from sandbox.faults import CloudError
from sandbox.kubernetes.real import clients
from sandbox.kubernetes.real.api import MANAGER, Api
from sandbox.programs import tools

Say = Callable[[str], None]

USERS = {"admin": "system:masters", "system:kube-controller-manager": "", "system:kube-scheduler": ""}
"""Who may sign in, and the group of each; the last two have the roles that the API server itself brings."""

_READY_WITHIN = 180.0
# The reader of standard input ends the program when the owner's end of the pipe is closed, which a kill does too. An API
# server whose etcd goes at the same moment would wait for it for long: so the whole group ends after some seconds.
_GUARD = '"$@" </dev/null & child=$!; { read -r _; kill "$child"; sleep 8; kill -9 0; } <&3 2>/dev/null & wait "$child"'


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """A running control plane; `token` is the administrator's, `kubeconfig` says the same as a file."""

    folder: Path
    url: str
    token: str
    kubeconfig: Path
    api: Api

    @classmethod
    @contextlib.contextmanager
    def started(
        cls,
        root: Path,
        folder: Path,
        *,
        say: Say = lambda _: None,
        scheduler: bool = True,
        controllers: Sequence[str] = ("*",),
    ) -> Iterator[ControlPlane]:
        """A control plane for the block, its data and logs in `folder`; binaries are built the first time.

        `controllers` are names of kube-controller-manager; none leaves it out. Raises `Refused` (`UNAVAILABLE`) with
        the end of the log of what did not come up.
        """
        names = ["etcd", "kube-apiserver", *(["kube-controller-manager"] if controllers else [])]
        binaries = tools.ensure(root, [*names, *(["kube-scheduler"] if scheduler else [])], say)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        began = time.monotonic()
        with contextlib.ExitStack() as running:
            plane = _serve(folder, binaries, running)
            for name in ("kube-controller-manager", "kube-scheduler"):
                if name in binaries:
                    config = _kubeconfig(folder, plane.url, f"system:{name}", _tokens(folder)[f"system:{name}"])
                    flags = {"kubeconfig": config, "leader-elect": "false", "secure-port": 0}
                    if name == "kube-controller-manager":
                        flags |= {
                            "controllers": ",".join(controllers),
                            "use-service-account-credentials": "true",
                            "service-account-private-key-file": folder / "accounts.key",
                            "root-ca-file": folder / "certs" / "apiserver.crt",
                        }
                    running.enter_context(program(folder, binaries[name], flags))
            if controllers:
                account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
                wait(folder, "kube-controller-manager", lambda: plane.api.get(account) is not None)
            say(f"kubernetes: {plane.url} is ready ({time.monotonic() - began:.1f} s)")
            yield plane

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Server-side apply of objects that others wrote (their warnings pass); CRDs among them are served afterwards."""
        return install(self.api, objects)


def install(
    api: Api, objects: Iterable[Mapping[str, Any]], *, manager: str = MANAGER, within: float = 30.0
) -> list[dict[str, Any]]:
    """Applies objects, whatever the server warns of; CRDs among them are served when this returns.

    None is waited for before all are applied: the server needs about a second to serve one, and does many at once.
    """
    done = [api.apply(obj, manager=manager, warned=False) for obj in objects]
    return [_served(api, each, within) if each["kind"] == "CustomResourceDefinition" else each for each in done]


def _served(api: Api, crd: dict[str, Any], within: float) -> dict[str, Any]:
    ends = time.monotonic() + within
    while not _established(crd):
        if time.monotonic() > ends:
            raise CloudError("Timeout", f"CRD {crd['metadata']['name']} is not established after {within:.0f} s")
        time.sleep(0.05)
        crd = api.get(crd) or crd
    return crd


def _established(crd: Mapping[str, Any]) -> bool:
    conditions = crd.get("status", {}).get("conditions") or ()
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def _serve(folder: Path, binaries: Mapping[str, Path], running: contextlib.ExitStack) -> ControlPlane:
    store, peers, port = free_port(), free_port(), free_port()
    etcd = {
        "data-dir": folder / "etcd",
        "listen-client-urls": f"http://127.0.0.1:{store}",
        "advertise-client-urls": f"http://127.0.0.1:{store}",
        "listen-peer-urls": f"http://127.0.0.1:{peers}",
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    running.enter_context(program(folder, binaries["etcd"], etcd))
    tokens = _tokens(folder)
    _accounts_key(folder)
    server = {
        "etcd-servers": f"http://127.0.0.1:{store}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "cert-dir": folder / "certs",
        "token-auth-file": folder / "tokens.csv",
        "client-ca-file": clients.authority(folder),
        "anonymous-auth": "false",
        "authorization-mode": "RBAC",
        "allow-privileged": "true",
        "service-cluster-ip-range": "10.250.0.0/16",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "accounts.key",
        "service-account-signing-key-file": folder / "accounts.key",
        "profiling": "false",
    }
    running.enter_context(program(folder, binaries["kube-apiserver"], server))
    url, certificate = f"https://127.0.0.1:{port}", folder / "certs" / "apiserver.crt"
    wait(folder, "kube-apiserver", certificate.exists)
    kubeconfig = _kubeconfig(folder, url, "admin", tokens["admin"])
    api = Api(kubeconfig)

    def ready() -> bool:
        with contextlib.suppress(CloudError, OSError):
            return api.healthy()
        return False

    wait(folder, "kube-apiserver", ready)
    return ControlPlane(folder=folder, url=url, token=tokens["admin"], kubeconfig=kubeconfig, api=api)


@contextlib.contextmanager
def program(
    folder: Path, binary: Path, flags: Mapping[str, object], *, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program that lives as long as the block, in a session of its own; its output goes to a log in `folder`."""
    command = [str(binary), *(f"--{key}={value}" for key, value in flags.items())]
    with (folder / f"{binary.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec 3<&0; {_GUARD}", "guard", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=of_this_process() if env is None else env,
            start_new_session=True,
        )
    try:
        yield
    finally:
        assert process.stdin is not None  # noqa: S101
        process.stdin.close()
        process.wait(60)


def wait(folder: Path, what: str, ready: Callable[[], bool]) -> None:
    """Waits until `what` is ready; Refused (`UNAVAILABLE`) with the end of its log in `folder` when that takes too long."""
    ends = time.monotonic() + _READY_WITHIN
    while not ready():
        if time.monotonic() > ends:
            lines = (folder / f"{what}.log").read_text(errors="replace").strip().splitlines()
            raise Refused(
                Problem(
                    summary=f"{what} did not come up", found=" | ".join(lines[-3:]), fix=f"read {folder}/{what}.log"
                ),
                ExitCode.UNAVAILABLE,
            )
        time.sleep(0.05)


def _tokens(folder: Path) -> dict[str, str]:
    """A token for each of USERS, made once for a folder."""
    file = folder / "tokens.csv"
    if not file.exists():
        rows = (f'{secrets.token_urlsafe(32)},{user},{user},"{group}"' for user, group in USERS.items())
        _private(file, "\n".join(rows) + "\n")
    return {user: token for token, user, *_ in (row.split(",") for row in file.read_text().split())}


def _accounts_key(folder: Path) -> None:
    """The key that signs the tokens of service accounts, made once for a folder."""
    file = folder / "accounts.key"
    if not file.exists():
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _private(file, rsa.generate_private_key(65537, 2048).private_bytes(*form).decode())


def _kubeconfig(folder: Path, url: str, user: str, token: str) -> Path:
    authority = base64.b64encode((folder / "certs" / "apiserver.crt").read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "own",
        "clusters": [{"name": "own", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "own", "context": {"cluster": "own", "user": user}}],
    }
    file = folder / ("kubeconfig" if user == "admin" else f"{user.rpartition(':')[2]}.kubeconfig")
    _private(file, yaml.safe_dump(config))
    return file


def _private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main(arguments: list[str]) -> int:
    """`python -m sandbox.kubernetes.real.controlplane FOLDER`: prints the kubeconfig's path, lives to the end of its input."""
    root = Path(__file__).resolve().parents[3]
    try:
        with ControlPlane.started(root, Path(arguments[0]), say=lambda line: print(line, file=sys.stderr)) as plane:  # noqa: T201
            sys.stdout.write(f"{plane.kubeconfig}\n")
            sys.stdout.flush()
            sys.stdin.read()
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return refused.code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
