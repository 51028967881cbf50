"""The process that owns a cluster: the cluster lives as long as it does, and it answers other commands meanwhile.

`python -m sandbox.node.owner FOLDER` is started by `modelyard cluster start`, which goes on when the cluster is ready; with
`--foreground` that command is the owner itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from core.versions import GO_MODULES
from sandbox.faults import CloudError
from sandbox.node.control import Control
from sandbox.node.giving import give
from sandbox.node.layout import NAME, Layout
from sandbox.node.node import CONTEXT, Node, condition, started

Say = Callable[[str], None]


def own(
    root: Path,
    folder: Path,
    say: Say,
    *,
    context: str = CONTEXT,
    images: Sequence[str] = (),
    ready: Callable[[Node], None] = lambda _: None,
) -> ExitCode:
    """Runs a cluster until it is told to stop, by a signal or by another command; `FAILED` when the node ends by itself.

    `images` are loaded before `ready` is called. Raises `Refused` when the cluster does not come up.
    """
    ended, up = threading.Event(), threading.Event()

    def told(*_: object) -> None:
        ended.set()
        if not up.is_set():
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, told)
    began = time.time()
    with started(root, folder, say=say, context=context) as node:
        loaded: list[str] = []

        def load(image: str) -> str:
            line = give(root, node, image, say)
            loaded.append(line)
            return line

        def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
            match question["do"]:
                case "stop":
                    ended.set()
                    return {"stopping": os.getpid()}
                case "load":
                    return {"line": load(str(question["image"]))}
                case "install":
                    # It gives images itself, and so imports what this module does.
                    from sandbox.releases.install import releases

                    lines = releases(root, node, question["charts"], values=question["values"], say=say)
                    loaded.extend(line for line in lines if line not in loaded)
                    return {"lines": lines}
                case "publish":
                    where = (question["namespace"], question["service"], question["target"])
                    return {"port": node.publish(*where, port=question["port"])}
                case "status":
                    return {**_status(node), "since": began, "images": loaded}
            raise Refused(Problem(summary="no such question", found=str(question["do"])), ExitCode.USAGE)

        for image in images:
            load(image)
        control = Control(Layout(folder.resolve()).control, answer)
        try:
            up.set()
            ready(node)
            while not ended.wait(0.2):
                if not node.running:
                    say("node: it has ended by itself; its logs stay")
                    return ExitCode.FAILED
        finally:
            control.close()
    return ExitCode.OK


def _status(node: Node) -> dict[str, Any]:
    found = node.api.get({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}) or {}
    pods = node.api.request("GET", "/api/v1/pods", warned=False).get("items", [])
    return {
        "owner": os.getpid(),
        "kubernetes": GO_MODULES["kubernetes"],
        "ready": condition(found, "Ready"),
        "running": sum(pod["status"].get("phase") == "Running" for pod in pods),
        "pods": len(pods),
    }


def main(arguments: list[str]) -> int:
    """Owns the cluster of a folder: `FOLDER CONTEXT IMAGE...`; what it says goes to standard output, line by line."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    folder, context, *images = arguments
    try:
        root = Path(__file__).resolve().parents[2]
        return own(root, Path(folder), say, context=context, images=images)
    except (Refused, CloudError) as error:
        refused = error if isinstance(error, Refused) else Refused(Problem(summary=str(error)), ExitCode.FAILED)
        say(str(refused))
        with contextlib.suppress(OSError):
            Layout(Path(folder)).refused.write_text(json.dumps([problem.as_dict() for problem in refused.problems]))
        return refused.code
    except KeyboardInterrupt:
        say("told to end before the cluster was ready")
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
