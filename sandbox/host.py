"""The process that serves the simulated clouds: prints their ports as one JSON line, then lives as long as its parent.

`python -m sandbox.host --world DIR --cache DIR` is started by whoever runs the engine. It ends at the end of its standard
input, so that it never outlives a killed parent.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sandbox.faults import Faults
from sandbox.items import ItemStore
from sandbox.provider import Cloud, serve

CLOUDS = ("aws", "kubernetes")
ACCOUNTS = ("member", "management", "standalone")
_GRACE_SECONDS = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends or SIGTERM comes."""
    options = _parser().parse_args(arguments)
    _wait_for_earlier(options.world)
    store = ItemStore(options.world)
    faults = Faults.load(options.faults, options.world / ".faults", options.calls)
    wanted = [options.only] if options.only else list(CLOUDS)
    served = {name: serve(_cloud(name, store, faults, options), faults) for name in wanted}
    sys.stdout.write(json.dumps({name: port for name, (_, port) in served.items()}) + "\n")
    sys.stdout.flush()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: None)
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    ended.wait()
    for ending in [server.stop(_GRACE_SECONDS) for server, _ in served.values()]:
        ending.wait(_GRACE_SECONDS)
    return 0


def _wait_for_earlier(world: Path) -> None:
    """Waits for a host whose command was killed: it ends the calls it has begun, and this process holds the lock to its end."""
    world.mkdir(parents=True, exist_ok=True)
    fcntl.flock(os.open(world / ".served", os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)


def _watch(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _cloud(name: str, store: ItemStore, faults: Faults, options: argparse.Namespace) -> Cloud:
    if name == "aws":
        aws: Any = importlib.import_module("sandbox.aws.cloud")
        accounts: Any = importlib.import_module("sandbox.aws.rules.accounts")
        cloud: Cloud = aws.AwsCloud(store, options.cache, options.region, accounts.Account(options.account))
        return cloud
    if options.kubeconfig:
        live: Any = importlib.import_module("sandbox.kubernetes.real.live")
        real: Cloud = live.LiveCloud(store, faults, live.Api(options.kubeconfig))
        return real
    kubernetes: Any = importlib.import_module("sandbox.kubernetes.cloud")
    other: Cloud = kubernetes.KubernetesCloud(store, faults)
    return other


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox.host", description="Serve the clouds on 127.0.0.1, SIMULATED but for a --kubeconfig."
    )
    parser.add_argument("--world", type=Path, required=True, help="folder of the simulated world")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what is read from the SDKs")
    parser.add_argument("--faults", type=Path, help="JSON file of faults")
    parser.add_argument("--calls", type=Path, help="file that gets one line per call edge")
    parser.add_argument("--region", default="", help="region when the stack sets none")
    parser.add_argument(
        "--account", choices=ACCOUNTS, default=ACCOUNTS[0], help="how the account stands in an organization"
    )
    parser.add_argument("--kubeconfig", type=Path, help="a real cluster in place of the simulated one")
    parser.add_argument("--only", choices=CLOUDS, help="serve one cloud only")
    return parser


if __name__ == "__main__":
    os._exit(main())
