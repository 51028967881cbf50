"""The whole stack as one typed tree: the stack file laid over its environment's profile, laid over the Specs' defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from components.kinds.scalars import shown
from components.nodes.gpu_engine import GpuEngine, engine
from components.serving.spec import ReleaseSpec
from components.spec import Environment
from components.stack import Aws
from core.clear_text import refuse_secrets
from core.problem import Problem, Refused
from infra.stack.consistency import disagreements, stands_on
from infra.stack.explain import problems_of, problems_of_rules
from infra.stack.file import StackFile
from infra.stack.profiles import PROFILES
from infra.stack.prompts import contents
from infra.stack.releases import releases_of
from infra.stack.settings import Settings
from pricing.capacity.pool import PoolBound

OPTIONAL = ("registry",)
"""Parts of the platform that a stack has when its file names them, if only as `registry: {}`."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One effective value: its dotted path, and where it came from."""

    where: str
    value: Any
    source: str


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack ready to build: its settings, what only AWS has where there is AWS, and what they were made from."""

    settings: Settings
    aws: Aws | None
    raw: Mapping[str, Any]
    pools: Mapping[str, PoolBound]
    file: StackFile | None = None
    prompts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    releases: Mapping[str, ReleaseSpec] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The AWS region; empty where there is no AWS."""
        return self.aws.region if self.aws else ""

    @property
    def engine(self) -> GpuEngine:
        """Whose DCGM engine runs on GPU nodes."""
        ours = self.aws is not None and self.aws.makes_addons
        types = [each for pool in self.settings.gpu_pools.values() for each in pool.instance_types]
        return engine(types, agent=ours)

    @property
    def on_aws(self) -> Aws:
        """What only AWS has, for whoever works on an account only. Raises Refused where there is no AWS."""
        if self.aws is None:
            raise Refused(
                Problem(
                    summary="this stack has no AWS",
                    where="kubernetes",
                    fix="leave out --cloud; plain `pulumi up` takes the named context of your kubeconfig",
                )
            )
        return self.aws

    @classmethod
    def read(cls, file: StackFile) -> Stack:
        """The stack that a stack file describes. Raises Refused with each problem's line."""
        try:
            made = cls.of(file.platform, file.region, file)
            # Its texts have passed, each at its own place; what is left are comments, and what stands beside the platform.
            refuse_secrets(file.text, file.path.name)
        except Refused as refused:
            raise file.placed(refused) from None
        return made

    @classmethod
    def of(cls, platform: Any, region: str, file: StackFile | None = None) -> Stack:
        """The stack that a platform's value describes. Raises Refused."""
        if not isinstance(platform, dict):
            raise Refused(Problem(summary="the platform is not a map", allowed="a map of keys and values"))
        profile, words = _profile(_environment(platform), platform), file.words if file else None
        try:
            settings = Settings.model_validate(_laid_over(profile, platform), by_alias=True, by_name=False)
        except ValidationError as error:
            raise Refused(problems_of(error, Settings, words)) from None
        if problems := list(disagreements(settings)):
            raise Refused(problems_of_rules(problems, Settings, words))
        aws, pools = stands_on(settings, region)
        said = settings.registry.prompts if settings.registry else {}
        prompts = contents(said, file.path.parent if file else None)
        releases = releases_of(settings, pools, file.path if file else None)
        return cls(settings=settings, aws=aws, raw=platform, pools=pools, file=file, prompts=prompts, releases=releases)

    def values(self) -> Iterator[Value]:
        """Every effective value, in the order of the schema, with where it came from."""
        profile = PROFILES.get(self.settings.environment, {})
        for where, value in _leaves(self.settings.model_dump(mode="json", by_alias=True), ""):
            if _says(self.raw, where):
                line = f":{self.file.line(where)}" if self.file else ""
                source = f"{self.file.path.name}{line}" if self.file else "stack file"
            elif _says(profile, where):
                source = f"profile {self.settings.environment.value}"
            else:
                source = "default"
            yield Value(where=where, value=value, source=source)


def _environment(platform: Mapping[str, Any]) -> Environment:
    found = platform.get("environment")
    try:
        return Environment(str(found))
    except ValueError:
        raise Refused(
            Problem(
                summary="the environment is not known" if found is not None else "the environment is missing",
                where="environment",
                found=shown(found)[:80],
                allowed=", ".join(profile.value for profile in PROFILES),
            )
        ) from None


def _profile(environment: Environment, platform: Mapping[str, Any]) -> dict[str, Any]:
    """The environment's defaults, without those of a part that is there only when the stack file names it."""
    found = PROFILES.get(environment, {})
    return {key: value for key, value in found.items() if key not in OPTIONAL or key in platform}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` on `below`: maps merge key by key, everything else is replaced whole."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _laid_over(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{where}.{key}" if where else key)
    else:
        yield where, value


def _says(raw: Any, where: str) -> bool:
    for step in where.split("."):
        if not isinstance(raw, Mapping) or step not in raw:
            return False
        raw = raw[step]
    return True
