"""A stack file as a person wrote it: its values, and the line on which each stands, so that a refusal can point there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core import plain_yaml
from core.problem import Problem, Refused
from infra.stack.settings import Settings

PLATFORM_KEY = "modelyard:platform"
REGION_KEY = "aws:region"
MAX_BYTES = 1_000_000
_OF_PULUMI = ("config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt")
"""The keys of a stack file, as Pulumi reads it."""
_WHERE = f"config.{PLATFORM_KEY}"


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """One parsed stack file: `platform` is the value of `modelyard:platform`, `lines` maps its dotted paths to lines.

    `region` is empty when the file names none, which only a platform outside AWS may do. `words` are the numbers as they
    stand in the file: 1.30 is 1.3 as a number. `text` is the whole file, and empty for a platform that comes from elsewhere.
    """

    path: Path
    platform: Any
    region: str
    lines: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    text: str = field(default="", repr=False)

    def line(self, where: str) -> int:
        """The line (from 1) of the nearest thing that stands in the file: the path itself, or what it is part of."""
        return plain_yaml.nearest(self.lines, where)

    def placed(self, refused: Refused) -> Refused:
        """The same refusal, each of its problems told where it stands in this file."""
        problems = [
            problem if problem.file else problem.at(self.path.name, self.line(problem.where))
            for problem in refused.problems
        ]
        return Refused(problems, refused.code)

    @classmethod
    def read(cls, path: Path) -> StackFile:
        """Parses a stack file.

        Raises Refused when it is missing, is not YAML that every reader reads the same way, or has no platform.
        """
        try:
            text = _text(path)
            read = plain_yaml.read(text, path.name)
        except Refused as refused:
            raise Refused([_in_platform(problem) for problem in refused.problems], refused.code) from None
        document = read.value
        config = document.get("config") if isinstance(document, dict) else None
        if misplaced := [problem.at(path.name, read.line(problem.where)) for problem in _misplaced(document, config)]:
            raise Refused(misplaced)
        if not isinstance(config, dict) or PLATFORM_KEY not in config:
            raise Refused(
                Problem(
                    summary="the stack file describes no platform",
                    where="config",
                    file=path.name,
                    line=1,
                    allowed=f"config: with the keys {PLATFORM_KEY} and {REGION_KEY}",
                    fix="copy the shape of Pulumi.dev.yaml",
                )
            )
        region = config.get(REGION_KEY, "")
        if not isinstance(region, str):
            raise Refused(
                Problem(
                    summary="the region is no text",
                    where=REGION_KEY,
                    file=path.name,
                    line=read.line(f"config.{REGION_KEY}"),
                    allowed="an AWS region, for example us-east-1",
                )
            )
        return cls(
            path=path,
            platform=config[PLATFORM_KEY],
            region=region,
            lines=_below(read.lines),
            words=_below(read.words),
            text=text,
        )


def _below(found: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the platform, by its path there."""
    inside = {where: each for where, each in found.items() if where == _WHERE or where.startswith(f"{_WHERE}.")}
    return {where.removeprefix(_WHERE).removeprefix("."): each for where, each in inside.items()}


def _in_platform(problem: Problem) -> Problem:
    return replace(problem, where=problem.where.removeprefix(f"{_WHERE}."))


def _misplaced(document: Any, config: Any) -> Iterator[Problem]:
    """What stands outside the platform and belongs in it: Pulumi would read on as if it were not there."""
    at_top = document if isinstance(document, dict) else {}
    beside = config if isinstance(config, dict) else {}
    for key in (each for each in at_top if each not in _OF_PULUMI):
        yield Problem(
            summary="unknown key",
            where=key,
            allowed=", ".join(_OF_PULUMI),
            fix=_move(key) if key in {*_parts(), PLATFORM_KEY} else "take it out",
        )
    for key, value in beside.items():
        secret = isinstance(value, dict) and set(value) == {"secure"}
        if key.removeprefix("modelyard:") in _parts() and not secret:
            yield Problem(summary="unknown key", where=f"config.{key}", fix=_move(key))


def _move(key: str) -> str:
    return "it belongs under config" if key == PLATFORM_KEY else f"it belongs under config, in {PLATFORM_KEY}"


def _parts() -> frozenset[str]:
    return frozenset(str(about.alias) for about in Settings.model_fields.values())


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        there = ", ".join(sorted(each.name for each in path.parent.glob("Pulumi.*.yaml"))) or "none"
        raise Refused(
            Problem(summary="there is no such stack file", file=path.name, found="nothing", allowed=there)
        ) from None
    except OSError as error:
        raise Refused(Problem(summary=f"the stack file cannot be read: {error.strerror}", file=path.name)) from None
    if len(data) > MAX_BYTES:
        raise Refused(
            Problem(
                summary="the stack file is too large",
                file=path.name,
                found=f"{len(data)} bytes",
                allowed=f"at most {MAX_BYTES}",
            )
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            Problem(summary="the stack file is not UTF-8 text", file=path.name, line=line, fix="save it as UTF-8")
        ) from None
