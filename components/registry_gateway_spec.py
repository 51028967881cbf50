"""The AI gateway of the MLflow server, as the stack file says it: keys, models, endpoints over them, budgets."""

from __future__ import annotations

import enum
import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from components import in_clear
from components.spec import Invalid, Spec
from problem import Problem

Name = Annotated[str, StringConstraints(min_length=1, max_length=250)]
_REFERENCE = r"^(config|env|awssm):[^#\s]+(#[^#\s]+)?$"


def _names_a_secret(value: object) -> object:
    """Refuses anything else without repeating it: it may be the secret."""
    if isinstance(value, str) and not re.match(_REFERENCE, value):
        raise Invalid("a secret is named here", allowed="config:NAME, env:NAME or awssm:ID#KEY")
    return value


SecretRef = Annotated[str, StringConstraints(pattern=_REFERENCE), BeforeValidator(_names_a_secret)]
"""A secret's name: `config:NAME` (of the stack's configuration), `env:NAME` or `awssm:ID#KEY` (AWS Secrets Manager)."""


class Window(enum.StrEnum):
    """The unit of a budget's window of time."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class Beyond(enum.StrEnum):
    """What the gateway does when a budget is spent."""

    ALERT = "alert"
    REJECT = "reject"


class GatewayKeySpec(Spec):
    """A provider's API key."""

    provider: Name
    """Who takes the key (openai, anthropic, bedrock ...)."""
    value: SecretRef
    """Names the secret that holds the key."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The provider's own settings beside the key, for example a base address."""
    revision: int = Field(default=1, ge=1)
    """Raise it to send a key again that this machine cannot compare (one in Secrets Manager)."""

    @model_validator(mode="after")
    def _no_secret_beside_the_key(self) -> GatewayKeySpec:
        if found := [key for key, value in self.settings.items() if in_clear.in_setting(key, value)]:
            fix = "take it out; the key is what `value` names"
            raise Invalid.of(
                [Problem(summary="a secret is never written here", where=f"settings.{key}", fix=fix) for key in found]
            )
        return self


class GatewayModelSpec(Spec):
    """A provider's model."""

    provider: Name
    """Who serves it."""
    model: Name
    """The provider's name of it."""
    key: Name
    """Which of the gateway's keys it takes."""


class EndpointSpec(Spec):
    """An address of the gateway over one or more of its models."""

    models: dict[Name, Decimal] = Field(min_length=1)
    """The models it calls, each with its share of the calls."""
    fallbacks: list[Name] = Field(default_factory=list)
    """Models to try in this order when the first fails."""
    usage_tracking: bool = True
    """Whether calls are traced, which budgets need."""


class GatewayBudgetSpec(Spec):
    """What may be spent through the gateway in one window of time: in all, by one endpoint, or by one user."""

    amount_usd: Decimal = Field(gt=0)
    """Most that may be spent (USD a window)."""
    every: int = Field(default=1, ge=1)
    """Length of the window in its unit."""
    unit: Window = Window.MONTHS
    """The unit."""
    action: Beyond = Beyond.REJECT
    """What happens beyond it."""
    endpoint: Name | None = None
    """Only calls of this endpoint."""
    user: Name | None = None
    """Only calls of this user."""


class GatewaySpec(Spec):
    """The AI gateway of the MLflow server."""

    keys: dict[Name, GatewayKeySpec] = Field(default_factory=dict)
    """Providers' API keys."""
    models: dict[Name, GatewayModelSpec] = Field(default_factory=dict)
    """Providers' models."""
    endpoints: dict[Name, EndpointSpec] = Field(default_factory=dict)
    """Addresses over them."""
    budgets: dict[Name, GatewayBudgetSpec] = Field(default_factory=dict)
    """What may be spent."""
