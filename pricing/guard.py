"""The guard file: ceilings, required tags and exemptions that the code's owners set and no stack file can loosen.

The program reads the ceilings before it registers anything, the policy packs read all of it: one file, one model. A
key that is not known is refused with its file and line, for a misspelt ceiling would be no ceiling.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from problem import ExitCode, Problem, Refused

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


class Exemption(_Strict):
    """One resource that one rule lets pass, with who answers for it, why, and until when."""

    rule: Text
    """Name of the rule."""
    resource: Text
    """The resource as the refusal names it: `aws:ec2/launchTemplate:LaunchTemplate::old-nodes`; no wildcards."""
    environments: list[Text] = Field(min_length=1)
    """The environments that it holds in."""
    owner: Text
    """Who answers for it."""
    reason: Text
    """Why the rule cannot hold here."""
    expires: datetime.date
    """The last day on which it holds."""

    def holds(self, rule: str, resource: str, environment: str) -> bool:
        """Whether it is about this rule and resource in this environment, expired or not."""
        return (self.rule, self.resource) == (rule, resource) and environment in self.environments

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day is over."""
        return today > self.expires


class BudgetExemption(_Strict):
    """Room above an environment's ceiling for a while: it ends with its last day, and counts only up to its amount."""

    environment: Text
    """The environment that it holds in."""
    monthly_usd: Annotated[Decimal, Field(gt=0)]
    """Highest monthly cost (USD) in its place; what costs more is held to the ceiling again."""
    owner: Text
    """Who answers for it."""
    reason: Text
    """Why the ceiling cannot hold for now."""
    expires: datetime.date
    """The last day on which it holds."""


class Guard(_Strict):
    """What the owners of the code hold every stack to."""

    max_monthly_usd: dict[Text, Annotated[Decimal, Field(ge=0)]] = Field(min_length=1)
    """Highest monthly cost (USD) of each environment; a stack file may only ask for less."""
    required_tags: list[Text] = Field(min_length=1)
    """Tags that every AWS resource carries, itself or from its provider's default tags."""
    exemptions: list[Exemption] = Field(default_factory=list)
    """Resources that a rule lets pass for a while."""
    budget_exemptions: list[BudgetExemption] = Field(default_factory=list)
    """Room above a ceiling for a while."""

    def ceiling(self, environment: str, today: datetime.date, stack: str = "") -> Decimal:
        """Highest monthly cost (USD) of an environment on a day, exemptions that have not ended included.

        A stack with the name of an environment is held to that one's ceiling too, whatever it says that it is. Refuses an
        environment that the file does not name, as nothing bounds it.
        """
        if environment not in self.max_monthly_usd:
            raise Refused(
                Problem(
                    summary="the guard file sets no ceiling for this environment",
                    where="maxMonthlyUsd",
                    found=environment,
                    allowed=", ".join(sorted(self.max_monthly_usd)),
                    fix=f"let a guardian add maxMonthlyUsd.{environment}",
                )
            )
        named = {environment, stack} & self.max_monthly_usd.keys()
        return min(self._ceiling(each, today) for each in named)

    def _ceiling(self, environment: str, today: datetime.date) -> Decimal:
        room = (each for each in self.budget_exemptions if each.environment == environment and today <= each.expires)
        return max([self.max_monthly_usd[environment], *(each.monthly_usd for each in room)])


def load(path: Path) -> Guard:
    """The guard file at `path`; raises `Refused` with file and line for every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(
            summary="the guard file cannot be read",
            file=str(path),
            found=error.strerror or "",
            fix="check out the whole repository: every run is held to this file",
        )
        raise Refused(problem, ExitCode.UNAVAILABLE) from None
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise Refused(
            Problem(summary="not a YAML file", found=getattr(error, "problem", "") or "", file=str(path), line=line)
        ) from None
    if alias := _alias(text):
        raise Refused(Problem(summary="aliases are not taken here", fix="write it out").at(str(path), alias))
    if doubled := list(_doubled(tree)):
        raise Refused(
            Problem(summary="the key stands twice", where=key, fix="keep one", file=str(path), line=line)
            for key, line in doubled
        )
    try:
        return Guard.model_validate(content)
    except ValidationError as error:
        raise Refused(
            _problem(each["loc"], each["type"], each["msg"]).at(str(path), _line(tree, each["loc"]))
            for each in error.errors(include_url=False)
        ) from None


def _problem(loc: Sequence[int | str], kind: str, message: str) -> Problem:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")
    if kind == "extra_forbidden":
        models: dict[int | str, type[BaseModel]] = {"exemptions": Exemption, "budgetExemptions": BudgetExemption}
        model = models.get(loc[0], Guard)
        known = ", ".join(sorted(field.alias or name for name, field in model.model_fields.items()))
        return Problem(summary="unknown key", where=where, allowed=known, fix="correct or remove it")
    return Problem(summary=message[:1].lower() + message[1:], where=where)


def _line(node: Any, loc: Sequence[int | str]) -> int:
    line = node.start_mark.line + 1 if node is not None else 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                return int(line)
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return int(line)
    return int(line)


def _alias(text: str) -> int:
    """The line of the first alias, 0 without one: through aliases a few lines can stand for a tree without end."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            return event.start_mark.line + 1 if event.start_mark else 1
    return 0


def _doubled(node: Any) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                found.append((key.value, key.start_mark.line + 1))
            seen.add(key.value)
            found.extend(_doubled(value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found.extend(_doubled(value))
    return found
