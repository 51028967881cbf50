"""A stack file as a person wrote it: its values, and the line on which each stands, so that a refusal can point there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from problem import Problem, Refused

PLATFORM_KEY = "modelyard:platform"
REGION_KEY = "aws:region"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """One parsed stack file: `platform` is the value of `modelyard:platform`, `lines` maps its dotted paths to lines.

    `region` is empty when the file names none, which only a platform outside AWS may do.
    """

    path: Path
    platform: Any
    region: str
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, where: str) -> int:
        """The line (from 1) of the nearest thing that stands in the file: the path itself, or what it is part of."""
        steps = where.replace("[", ".[").split(".") if where else []
        while steps:
            if found := self.lines.get(".".join(steps)):
                return found
            steps.pop()
        return self.lines.get("", 1)

    def placed(self, refused: Refused) -> Refused:
        """The same refusal, each of its problems told where it stands in this file."""
        problems = [each if each.file else each.at(self.path.name, self.line(each.where)) for each in refused.problems]
        return Refused(problems, refused.code)

    @classmethod
    def read(cls, path: Path) -> StackFile:
        """Parses a stack file.

        Raises Refused when it is missing, is not YAML, says a key twice, uses aliases or has no platform.
        """
        text = _text(path)
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            _refuse_tricks(root, text, path)
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            summary = getattr(error, "problem", None) or "the text cannot be read as YAML"
            raise Refused(
                Problem(
                    summary=f"not valid YAML: {summary}",
                    file=path.name,
                    line=mark.line + 1 if mark else 1,
                    fix="check indentation, quotes and brackets on this line and the one above",
                )
            ) from None
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise Refused(Problem(summary=f"a value cannot be read: {reason}", file=path.name, line=1)) from None
        config = document.get("config") if isinstance(document, dict) else None
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
                    line=1,
                    found=str(region) if region is not None else "nothing",
                    allowed="an AWS region, for example us-east-1",
                )
            )
        lines = dict(_lines(_descend(root, "config", PLATFORM_KEY), ""))
        return cls(path=path, platform=config[PLATFORM_KEY], region=region, lines=lines)


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


def _refuse_tricks(root: yaml.Node | None, text: str, path: Path) -> None:
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise Refused(
                Problem(
                    summary="a stack file takes no YAML aliases",
                    file=path.name,
                    line=token.start_mark.line + 1,
                    found=f"*{token.value}",
                    fix="write the value out, or leave it to the environment's profile",
                )
            )
    for key in _twice(root):
        raise Refused(
            Problem(
                summary="a key stands twice",
                where=str(key.value),
                file=path.name,
                line=key.start_mark.line + 1,
                fix="keep one of them",
            )
        )


def _twice(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        seen: set[tuple[str, str]] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    yield key
                seen.add((key.tag, key.value))
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item)


def _descend(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    for wanted in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if getattr(key, "value", None) == wanted), None)
    return node


def _lines(node: yaml.Node | None, where: str) -> Iterator[tuple[str, int]]:
    if node is None:
        return
    yield where, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{where}.{key.value}" if where else str(key.value)
            yield from _lines(value, path)
            yield path, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _lines(item, f"{where}.[{place}]")
