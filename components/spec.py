"""The base of every Spec: plain values known at preview, camelCase outside and snake_case inside, unknown keys refused."""

from __future__ import annotations

import enum
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from components.invalid import Invalid as Invalid
from components.kinds import in_clear, scalars
from core.problem import Problem


class Environment(enum.StrEnum):
    """What kind of environment a stack is; each has a profile of defaults and a ceiling on its cost."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"
    LOCAL = "local"


class LogDays(enum.IntEnum):
    """Retention times (days) of CloudWatch Logs."""

    WEEK = 7
    FORTNIGHT = 14
    MONTH = 30
    QUARTER = 90
    HALF_YEAR = 180
    YEAR = 365
    TWO_YEARS = 731


class Spec(BaseModel):
    """A frozen description of one part of the platform, as the stack file, the plan and the packs all read it.

    Fields hold plain values only: str, int, bool, Decimal, Enum, other Specs, and lists and dicts of these. No unions
    and no tuples, so that Pulumi's component analyzer can publish the Spec to every Pulumi language. Secrets never
    stand here, only their names or ARNs.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _a_number_is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        for where, summary, allowed in scalars.loose(cls.model_fields[str(info.field_name)].annotation, value):
            raise Invalid(summary, where=where, found=scalars.shown(value) if not where else "", allowed=allowed)
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _no_secret_in_a_text(cls, value: Any, info: ValidationInfo) -> Any:
        for where, text, named in _texts(value, cls.model_fields[str(info.field_name)].annotation):
            if in_clear.is_secret(text):
                raise Invalid(
                    "a name here looks like a secret" if named else "this looks like a secret",
                    where=where,
                    allowed="texts that anybody may read: settings are in the state, in its history and in reports",
                    fix="revoke it, and name the new one where there is a place for it: a webhook's is urlSecret: config:NAME, "
                    "a gateway key's is `value`",
                )
            user, parameter = in_clear.has_user(text), in_clear.parameter(text)
            if user or parameter:
                what = "says who signs in" if user else f"has a secret as its parameter {parameter}"
                raise Invalid(
                    f"an address here {what}",
                    where=where,
                    allowed="addresses that anybody may read: settings are in the state, in its history and in reports",
                    fix="take it out and name the secret where there is a place for it (a webhook's is `urlSecret`)",
                )
        return value

    def to_inputs(self) -> dict[str, Any]:
        """The Spec as plain camelCase values, the form in which a component registers it and a pack parses it again."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def needs_aws(self) -> Iterator[Problem]:
        """What of this Spec only AWS can serve; `where` is relative to it. A stack without AWS is refused for each.

        A Spec that overrides this says for itself what it needs, so that no component and no wiring asks where it runs.
        """
        return iter(())


def _texts(value: Any, annotation: Any, where: str = "") -> Iterator[tuple[str, str, bool]]:
    """The texts of one field with their places in it, and whether each is a name in a map; another Spec's are its own."""
    plain = scalars.unwrapped(annotation)
    inner = (typing.get_args(plain) or (None,))[-1]
    if isinstance(value, str):
        yield where, value, False
    elif isinstance(plain, type) and issubclass(plain, BaseModel):
        return
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield where, str(key), True
            yield from _texts(each, inner, f"{where}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _texts(each, inner, f"{where}[{place}]")
