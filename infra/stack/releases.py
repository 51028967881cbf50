"""Reads the release files that a stack file names, and judges them against the stack before anything is made.

A release lies in `releases/STACK/NAME.yaml`, beside the stack file or, when the stack file is a copy somewhere else, in the
repository. A stack without a folder of its own takes that of its environment, as a copy of dev under another name does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from components.serving.checks import crowded, disk_problems, pool_problems
from components.serving.spec import ReleaseSpec
from core import plain_yaml
from core.clear_text import refuse_secrets
from core.problem import Problem, Refused
from infra.stack.explain import problems_of
from infra.stack.settings import Settings
from kube.shape import nearest
from pricing.capacity.pool import PoolBound

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = "releases"
_MAX_BYTES = 100_000


@dataclass(frozen=True)
class ReleaseFile:
    """One release as its file says it, with where that is: `name` is the path that a person reads."""

    path: Path
    name: str
    spec: ReleaseSpec
    read: plain_yaml.Read

    def placed(self, problem: Problem) -> Problem:
        """The problem at its line in this file."""
        return problem.at(self.name, self.read.line(problem.where))


def releases_of(settings: Settings, pools: Mapping[str, PoolBound], stack_file: Path | None) -> dict[str, ReleaseSpec]:
    """Every release of the settings. Raises Refused with all problems, each with its file and line."""
    found: dict[str, ReleaseFile] = {}
    problems: list[Problem] = []
    for place, name in enumerate(settings.releases):
        try:
            found[name] = read(place_of(settings, stack_file, name, f"releases[{place}]"))
        except Refused as refused:
            problems += refused.problems
    specs = {name: each.spec for name, each in found.items()}
    for file in found.values():
        wrong = [*pool_problems(file.spec, pools), *_on_disk(file.spec, settings), *_unregistered(file.spec, settings)]
        problems += [file.placed(problem) for problem in wrong]
    problems += [found[name].placed(problem) for name, problem in crowded(specs, pools)]
    if problems:
        raise Refused(problems)
    return specs


def place_of(settings: Settings, stack_file: Path | None, name: str, where: str = "releases") -> Path:
    """Where a release's file is. Raises Refused when there is none."""
    environment = settings.environment.value
    stack = stack_file.name.removeprefix("Pulumi.").removesuffix(".yaml") if stack_file else environment
    for folder in folders(stack, environment, stack_file):
        path = folder / f"{name}.yaml"
        if path.is_file():
            if path.resolve().parent != folder.resolve():
                raise Refused(
                    Problem(summary="the release's file is a link to another folder", where=where, found=name)
                )
            return path
        near = nearest(name, sorted(each.stem for each in folder.glob("*.yaml")))
        fix = f'did you mean "{near}"?' if near else f"write {_shown(path)}, as docs/serving.md shows one"
        raise Refused(Problem(summary="there is no file of this release", where=where, found=_shown(path), fix=fix))
    raise Refused(
        Problem(
            summary="there is no file of this release",
            where=where,
            found=f"{FOLDER}/{stack}/{name}.yaml",
            fix="write it there, as docs/serving.md shows one",
        )
    )


def folders(stack: str, environment: str, stack_file: Path | None) -> Iterator[Path]:
    """The folders that may have the releases of a stack, the nearest first, those that are there."""
    roots = [*([stack_file.resolve().parent] if stack_file else []), REPOSITORY]
    for name in dict.fromkeys((stack, environment)):
        yield from (each for root in roots if (each := root / FOLDER / name).is_dir())


def read(path: Path) -> ReleaseFile:
    """One release file. Raises Refused with each problem's line."""
    name = _shown(path)
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            Problem(summary=f"the release file cannot be read: {type(error).__name__}", file=name, line=1)
        ) from None
    if len(data) > _MAX_BYTES:
        raise Refused(Problem(summary="the release file is too large", found=f"{len(data)} bytes", file=name, line=1))
    return parsed(text, name, path)


def parsed(text: str, name: str, path: Path) -> ReleaseFile:
    """A release file's text as a release; `name` is how a refusal calls the file. Raises Refused with each problem's line."""
    read = plain_yaml.read(text, name)
    if not isinstance(read.value, dict):
        raise Refused(
            Problem(summary="a release is a map of keys and values", file=name, line=1, fix="docs/serving.md shows one")
        )
    try:
        spec = ReleaseSpec.model_validate(read.value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise Refused(_told(problems_of(error, ReleaseSpec, read.words), name, read)) from None
    refuse_secrets(text, name)
    return ReleaseFile(path, name, spec, read)


def _told(problems: Sequence[Problem], name: str, read: plain_yaml.Read) -> list[Problem]:
    return [replace(problem, fix=_fix(problem)).at(name, read.line(problem.where)) for problem in problems]


def _fix(problem: Problem) -> str:
    if problem.summary == "a required value is missing" and problem.where.split(".")[0] in ("weights", "architecture"):
        return "`modelyard release pin` reads it from the model's files and writes it here"
    return problem.fix.replace("the stack file", "the release file")


def _on_disk(spec: ReleaseSpec, settings: Settings) -> Iterator[Problem]:
    """On a cluster of one's own nobody here knows the disks."""
    if spec.pool is None:
        if settings.general_pool is not None:
            yield from disk_problems(spec, settings.general_pool.disk_gb, "generalPool.diskGb")
    elif spec.pool in settings.gpu_pools:
        yield from disk_problems(spec, settings.gpu_pools[spec.pool].disk_gb, f"gpuPools.{spec.pool}.diskGb")


def _unregistered(spec: ReleaseSpec, settings: Settings) -> Iterator[Problem]:
    models = settings.registry.models if settings.registry else {}
    if spec.model not in models:
        near = nearest(spec.model, sorted(models))
        yield Problem(
            summary="the registry of this stack declares no such model",
            where="model",
            found=spec.model,
            allowed=", ".join(sorted(models)) or "nothing: registry.models is empty",
            fix=f'did you mean "{near}"?' if near else "declare it under registry.models",
        )


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])
