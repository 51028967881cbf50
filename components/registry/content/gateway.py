"""The AI gateway of the MLflow server, as the stack file says it: keys, models, endpoints over them, budgets."""

from __future__ import annotations

import enum
from decimal import Decimal

from pydantic import Field, model_validator

from components.kinds import in_clear
from components.kinds.mlflow import GatewayName, Provider, UserName, Words
from components.kinds.secrets import SecretRef
from components.kinds.words import Label
from components.spec import Invalid, Spec
from core.problem import Problem


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

    provider: Provider
    """Who takes the key (openai, anthropic, bedrock ...)."""
    value: SecretRef
    """Names the secret that holds the key."""
    settings: dict[Label, Words] = Field(default_factory=dict)
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

    provider: Provider
    """Who serves it."""
    model: Label
    """The provider's name of it."""
    key: GatewayName
    """Which of the gateway's keys it takes."""


class EndpointSpec(Spec):
    """An address of the gateway over one or more of its models."""

    models: dict[GatewayName, Decimal] = Field(min_length=1)
    """The models it calls, each with its share of the calls."""
    fallbacks: list[GatewayName] = Field(default_factory=list)
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
    endpoint: GatewayName | None = None
    """Only calls of this endpoint."""
    user: UserName | None = None
    """Only calls of this user."""


class GatewaySpec(Spec):
    """The AI gateway of the MLflow server."""

    keys: dict[GatewayName, GatewayKeySpec] = Field(default_factory=dict)
    """Providers' API keys."""
    models: dict[GatewayName, GatewayModelSpec] = Field(default_factory=dict)
    """Providers' models."""
    endpoints: dict[GatewayName, EndpointSpec] = Field(default_factory=dict)
    """Addresses over them."""
    budgets: dict[GatewayName, GatewayBudgetSpec] = Field(default_factory=dict)
    """What may be spent."""
