"""The folder of a sandbox stack: a project, a stack file, a state and a passphrase of its own.

It is derived from the repository's files, which are only read; what an engine writes, it writes here.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from core.problem import ExitCode, Problem, Refused
from core.yaml_lines import documents
from sandbox.environment import kept, unset_the_rest
from sandbox.programs.toolchain import Toolchain
from sandbox.stack import stackfile

_NO_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def make(folder: Path) -> None:
    """Makes the folder and those inside it, for their owner only."""
    for place in (folder, folder / "backend", folder / "home", folder / "world"):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
    _keep_no_logs(folder / "home" / "logs")


def _keep_no_logs(logs: Path) -> None:
    """The engine logs each of its calls at the most verbose level, for a tenth of a preview's time, into a folder of this name.

    No option turns that off, but where a file stands in the folder's place it goes on without. MODELYARD_DEBUG=1 keeps the logs.
    """
    if os.environ.get("MODELYARD_DEBUG") == "1":
        if logs.is_file():
            logs.unlink()
    elif not logs.is_file():
        shutil.rmtree(logs, ignore_errors=True)
        logs.touch()


def load_project(project_file: Path) -> dict[str, Any]:
    """The content of a `Pulumi.yaml`; raises `Refused` when there is none to read."""
    try:
        read = documents(project_file.read_text(encoding="utf-8"), str(project_file))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(Problem(summary=f"cannot read the project file: {error}", file=str(project_file))) from None
    content = read[0].value if len(read) == 1 else None
    if not isinstance(content, dict):
        raise Refused(Problem(summary="a project file is a mapping with a `name`", file=str(project_file), line=1))
    return content


def environment(caller: Mapping[str, str], folder: Path, toolchain: Toolchain) -> dict[str, str]:
    """The whole environment for an engine here: what is kept of the caller's, and the sandbox's."""
    env = kept(caller)
    passphrase = folder / "passphrase"
    if not passphrase.exists():
        with os.fdopen(os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    ours = [*map(str, toolchain.directories), str(Path(sys.executable).parent)]
    return {
        **env,
        **_NO_ACCOUNT,
        "PATH": os.pathsep.join([*ours, env.get("PATH", os.defpath)]),
        "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def write_project(root: Path, folder: Path, project: str, original: dict[str, Any]) -> None:
    """Writes the derived `Pulumi.yaml`; relative paths of the original are made absolute."""
    main = root / str(original.get("main") or ".")
    runtime: dict[str, Any] = {"name": "python"}
    if (root / ".venv").is_dir():
        runtime["options"] = {"virtualenv": str(root / ".venv")}
    content: dict[str, Any] = {
        "name": project,
        "runtime": runtime,
        "main": str(main),
        "description": "SIMULATED: a sandbox copy",
    }
    own = (original.get("plugins") or {}).get("providers") or []
    content["plugins"] = {
        "providers": [{**each, "path": str(root / each["path"])} for each in own if (root / each["path"]).is_dir()]
    }
    _replace(folder / "Pulumi.yaml", yaml.safe_dump(content, sort_keys=False))


def write_stack(
    folder: Path,
    name: str,
    project: str,
    source: Path,
    derived: stackfile.Derived,
    toolchain: Toolchain,
    env: Mapping[str, str],
) -> None:
    """Writes the derived stack file, unless it is still what this source gave; makes the stack the first time."""
    target, stamp = folder / f"Pulumi.{name}.yaml", folder / "derived.json"
    exists = (folder / "backend" / ".pulumi" / "stacks" / project / f"{name}.json").exists()
    if exists and _digests(source, target) == _stamped(stamp):
        return
    salt = {}
    if target.exists():
        salt = {k: v for k, v in load_project(target).items() if k == "encryptionsalt"}
    # JSON is YAML in which every text is quoted: whatever reads it, reads the same.
    _replace(target, json.dumps({**salt, "config": derived.config}, indent=2, ensure_ascii=False))
    if not exists:
        _pulumi(toolchain, ["stack", "init", name, "--secrets-provider", "passphrase"], folder, env)
    if derived.secrets:
        pairs = [part for path, text in derived.secrets.items() for part in ("--secret", f"{path}={text}")]
        _pulumi(toolchain, ["config", "set-all", "--stack", name, "--path", *pairs], folder, env)
    _replace(stamp, json.dumps(_digests(source, target)))


def _digests(*files: Path) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "" for file in files]


def _stamped(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None


def _pulumi(toolchain: Toolchain, arguments: list[str], folder: Path, env: Mapping[str, str]) -> None:
    command = [str(toolchain.pulumi), *arguments, "--non-interactive", "--color", "never"]
    done = subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(
            Problem(
                summary=f"the engine could not prepare the sandbox stack (`pulumi {' '.join(arguments[:2])}`)",
                found=(done.stderr or done.stdout).strip(),
                fix=f"remove {folder} to start the sandbox stack anew",
            ),
            ExitCode.FAILED,
        )


def write_exports(folder: Path, env: Mapping[str, str]) -> None:
    """`env.sh`: the same environment for a person's shell, without what the caller's already has."""
    mine = {key: value for key, value in env.items() if os.environ.get(key) != value and key != "PATH"}
    lines = [
        "# SIMULATED: the environment of this sandbox stack; the ports live as long as the command that wrote them."
    ]
    lines.append(unset_the_rest())
    lines += [f"export {key}={shlex.quote(value)}" for key, value in sorted(mine.items())]
    lines += [f'export PATH={shlex.quote(env["PATH"].removesuffix(os.environ.get("PATH", "")))}"$PATH"']
    _replace(folder / "env.sh", "\n".join(lines) + "\n")


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)
