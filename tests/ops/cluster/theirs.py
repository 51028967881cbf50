"""What is there before a cluster of ours: a user's kubeconfig, and stand-ins for the programs on PATH."""

from __future__ import annotations

from pathlib import Path
from typing import Any

UP = {"kubernetes": "v1.36.0", "ready": True, "running": 2, "pods": 3}
"""What a cluster answers that is up."""

CONFIG: dict[str, Any] = {
    "current-context": "other",
    "clusters": [
        {"name": "mine", "cluster": {"server": "https://127.0.0.1:1", "certificate-authority": "ca.crt"}},
        {"name": "other", "cluster": {"server": "https://127.0.0.1:2"}},
    ],
    "users": [{"name": "me", "user": {"token": "t"}}, {"name": "you", "user": {"token": "secret"}}],
    "contexts": [
        {"name": "mine", "context": {"cluster": "mine", "user": "me"}},
        {"name": "other", "context": {"cluster": "other", "user": "you"}},
    ],
}


def program(home: Path, name: str, script: str) -> Path:
    """A stand-in for a program; gives the log of its calls."""
    log, file = home / f"{name}.log", home / "path" / name
    file.write_text(f'#!/bin/sh\necho "$*" >>{log}\n{script}\n')
    file.chmod(0o755)
    log.touch()
    return log
