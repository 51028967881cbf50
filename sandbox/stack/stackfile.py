"""Derives the sandbox's own stack file from a repository's, which is only ever read.

An engine that opens a stack file with a cloud secrets provider against another backend rewrites it and drops its
encrypted key. So the sandbox works on a copy without any key, in which each encrypted value is a marked placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import plain_yaml
from core.problem import Problem, Refused

SIMULATED_NAMESPACES = frozenset({"aws", "kubernetes", "pulumi"})
"""The config namespaces beside the project's own that mean something in the sandbox."""

_KEYS = frozenset({"secretsprovider", "encryptedkey", "encryptionsalt"})


@dataclass(frozen=True)
class Derived:
    """A stack's config without keys; `secrets` maps each encrypted value's config path to its placeholder."""

    config: dict[str, Any]
    secrets: dict[str, str]


def derive(stack_file: Path, project: str) -> Derived:
    """What the sandbox may use of `stack_file`.

    Raises `Refused` for a file that is missing or no YAML mapping, that names a provider the sandbox does not simulate,
    or that takes its config from a Pulumi environment elsewhere.
    """
    read = plain_yaml.read(_read(stack_file), str(stack_file))
    content = read.value or {}
    problems = _problems(content, project, stack_file, read)
    if problems:
        raise Refused(problems)
    secrets: dict[str, str] = {}
    config = {
        str(key): _without_secrets(value, str(key), secrets) for key, value in (content.get("config") or {}).items()
    }
    return Derived(config, secrets)


def _read(stack_file: Path) -> str:
    try:
        return stack_file.read_text(encoding="utf-8")
    except OSError as error:
        known = sorted(path.name for path in stack_file.parent.glob("Pulumi.*.yaml"))
        raise Refused(
            Problem(
                summary=f"cannot read the stack file: {error.strerror}",
                allowed=f"one of {', '.join(known)}" if known else "a file named Pulumi.<stack>.yaml",
                file=str(stack_file),
            )
        ) from None
    except UnicodeDecodeError as error:
        raise Refused(Problem(summary=f"the stack file is not UTF-8: {error.reason}", file=str(stack_file))) from None


def _problems(content: object, project: str, stack_file: Path, read: plain_yaml.Read) -> list[Problem]:
    file = str(stack_file)
    if not isinstance(content, dict) or not isinstance(content.get("config") or {}, dict):
        return [Problem(summary="a stack file is a mapping with a key `config`, itself a mapping", file=file, line=1)]
    problems = []
    if "environment" in content:
        problems.append(
            Problem(
                summary="the sandbox does not open Pulumi environments: their values live in an account",
                where="environment",
                fix="put the values into `config`, or run with --cloud",
                file=file,
                line=read.line("environment"),
            )
        )
    allowed = SIMULATED_NAMESPACES | {project}
    for key in content.get("config") or {}:
        namespace, colon, _ = str(key).partition(":")
        if colon and namespace not in allowed:
            problems.append(
                Problem(
                    summary=f"the sandbox does not simulate the provider `{namespace}`",
                    where=str(key),
                    allowed=", ".join(sorted(allowed)),
                    fix="remove the key, or run with --cloud",
                    file=file,
                    line=read.line(f"config.{key}"),
                )
            )
    return problems


def _without_secrets(value: Any, path: str, secrets: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            secrets[path] = f"SIMULATED placeholder for {path}"
            return secrets[path]
        return {key: _without_secrets(inner, f"{path}{_step(str(key))}", secrets) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, f"{path}[{index}]", secrets) for index, inner in enumerate(value)]
    return value


def _step(key: str) -> str:
    plain = key.replace("-", "_").isidentifier() and key.isascii()
    return f".{key}" if plain else '["' + key.replace('"', '\\"') + '"]'
