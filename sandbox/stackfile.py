"""Derives the sandbox's own stack file from a repository's, which is only ever read.

An engine that opens a stack file with a cloud secrets provider against another backend rewrites it and drops its
encrypted key. So the sandbox works on a copy without any key, in which each encrypted value is a marked placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from problem import Problem, Refused

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
    text = _read(stack_file)
    try:
        content = yaml.safe_load(text) or {}
        lines = _lines(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused(
            Problem(
                summary="this is not YAML",
                found=str(getattr(error, "problem", "") or error),
                file=str(stack_file),
                line=mark.line + 1 if mark else 0,
            )
        ) from None
    problems = _problems(content, project, stack_file, lines)
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


def _problems(content: object, project: str, stack_file: Path, lines: dict[str, int]) -> list[Problem]:
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
                line=lines.get("environment", 0),
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
                    line=lines.get(str(key), 0),
                )
            )
    return problems


def _lines(text: str) -> dict[str, int]:
    """The line, from 1, of each key at the top and under `config`."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    found: dict[str, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found[str(key.value)] = key.start_mark.line + 1
            if key.value == "config" and isinstance(value, yaml.MappingNode):
                found.update({str(inner.value): inner.start_mark.line + 1 for inner, _ in value.value})
    return found


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
