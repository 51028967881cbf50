"""What the model registry holds, as the stack file says it: names are keys, secrets are named and never written here."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from decimal import Decimal

from pydantic import Field, model_validator

from components.kinds.addresses import WebUrl
from components.kinds.mlflow import (
    AliasName,
    ExperimentName,
    ModelName,
    PromptName,
    Provider,
    TagName,
    UserName,
    WebhookName,
    WebhookUrl,
    WebhookWords,
    Words,
)
from components.kinds.secrets import SecretRef
from components.kinds.words import FilePath, Json, Label, Line
from components.registry.content.gateway import GatewaySpec
from components.spec import Invalid, Spec
from core.problem import Problem


class AliasOwner(enum.StrEnum):
    """Who moves an alias."""

    MANAGED = "managed"
    PROMOTION = "promotion"


class Event(enum.StrEnum):
    """Events that a webhook can receive (mlflow 3.17, `mlflow/entities/webhook.py`)."""

    MODEL = "registered_model.created"
    VERSION = "model_version.created"
    VERSION_TAG_SET = "model_version_tag.set"
    VERSION_TAG_DELETED = "model_version_tag.deleted"
    ALIAS = "model_version_alias.created"
    ALIAS_DELETED = "model_version_alias.deleted"
    PROMPT = "prompt.created"
    PROMPT_VERSION = "prompt_version.created"
    PROMPT_TAG_SET = "prompt_tag.set"
    PROMPT_TAG_DELETED = "prompt_tag.deleted"
    PROMPT_VERSION_TAG_SET = "prompt_version_tag.set"
    PROMPT_VERSION_TAG_DELETED = "prompt_version_tag.deleted"
    PROMPT_ALIAS = "prompt_alias.created"
    PROMPT_ALIAS_DELETED = "prompt_alias.deleted"
    BUDGET = "budget_policy.exceeded"


class Access(enum.StrEnum):
    """What a user may do with an item; each includes the one before it, and `deny` is nothing at all."""

    READ = "read"
    USE = "use"
    EDIT = "edit"
    MANAGE = "manage"
    DENY = "deny"


class ExperimentSpec(Spec):
    """A place for runs and traces."""

    description: Words = ""
    """What it is for."""
    tags: dict[TagName, Words] = Field(default_factory=dict)
    """Tags that this file keeps; others are left alone."""
    retain_on_delete: bool = True
    """Taken out of this file, it stays on the server; false deletes it, its runs can then be brought back for a while."""


class AliasSpec(Spec):
    """An alias: moved by this file, which then says the version, or by the promotion process. Never by both."""

    by: AliasOwner = AliasOwner.MANAGED
    """Who moves it."""
    version: int | None = Field(default=None, ge=1)
    """The version it names. A prompt's managed alias without one names the version that this file's text has."""

    @model_validator(mode="after")
    def _one_owner(self) -> AliasSpec:
        if self.by is AliasOwner.PROMOTION and self.version is not None:
            raise Invalid(
                "the alias would be moved by this file and by the promotion process",
                where="version",
                found=str(self.version),
                fix="take out the version, or `by: promotion`",
            )
        return self


class ModelSpec(Spec):
    """A registered model. Its versions come from training."""

    description: Words = ""
    """What it does."""
    tags: dict[TagName, Words] = Field(default_factory=dict)
    """Tags that this file keeps; others are left alone."""
    aliases: dict[AliasName, AliasSpec] = Field(default_factory=dict)
    """Names for versions."""
    retain_on_delete: bool = True
    """Taken out of this file, it stays on the server with its versions; false deletes all of them."""

    @model_validator(mode="after")
    def _versions(self) -> ModelSpec:
        for alias, spec in self.aliases.items():
            if spec.by is AliasOwner.MANAGED and spec.version is None:
                raise Invalid(
                    "a managed alias of a model says its version",
                    where=f"aliases.{alias}.version",
                    found="nothing",
                    fix="add the version, or `by: promotion`",
                )
        return self


class ModelConfigSpec(Spec):
    """The model and the parameters that a prompt was written for."""

    provider: Provider | None = None
    """Who serves the model."""
    model_name: Label | None = None
    """The provider's name of it."""
    temperature: Decimal | None = Field(default=None, ge=0)
    """Sampling temperature."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Most tokens of an answer."""
    top_p: Decimal | None = Field(default=None, ge=0, le=1)
    """Nucleus sampling."""
    top_k: int | None = Field(default=None, gt=0)
    """Sampling from the likeliest tokens only."""
    frequency_penalty: Decimal | None = None
    """Penalty for repeated tokens."""
    presence_penalty: Decimal | None = None
    """Penalty for tokens that occurred."""
    stop_sequences: list[Line] | None = None
    """Where an answer ends."""
    extra_json: Json | None = None
    """Further parameters as the text of a JSON map."""


class PromptSpec(Spec):
    """A prompt whose content lies in a file beside the stack file; each change of it is a new version."""

    file: FilePath
    """Path from the stack file's folder: a text, or chat messages when it ends in .chat.yaml."""
    description: Words = ""
    """What it is for."""
    tags: dict[TagName, Words] = Field(default_factory=dict)
    """Tags that this file keeps; others are left alone."""
    parameters: ModelConfigSpec | None = None
    """The model and the parameters that it was written for."""
    response_format_file: FilePath | None = None
    """Path of a JSON schema that answers have to fit."""
    aliases: dict[AliasName, AliasSpec] = Field(default_factory=dict)
    """Names for versions."""
    retain_on_delete: bool = True
    """Taken out of this file, it stays on the server with its versions; false deletes all of them."""


class WebhookSpec(Spec):
    """A webhook: where the registry sends events."""

    url: WebhookUrl | None = None
    """The address that it posts to. A server outside the sandbox accepts only public https addresses by default."""
    url_secret: SecretRef | None = None
    """Names the secret that holds the address, in place of `url`, when whoever knows the address may post there."""
    events: list[Event] = Field(min_length=1)
    """What it posts."""
    description: WebhookWords = ""
    """What for."""
    enabled: bool = True
    """Whether it posts at present."""
    secret: SecretRef | None = None
    """Names the secret that it signs with."""
    revision: int = Field(default=1, ge=1)
    """Raise it to send a secret again that this machine cannot compare (one in Secrets Manager)."""

    @model_validator(mode="after")
    def _one_address(self) -> WebhookSpec:
        if (self.url is None) == (self.url_secret is None):
            raise Invalid(
                "a webhook has one address",
                where="url",
                found="nothing" if self.url is None else "url and urlSecret",
                allowed="url, or urlSecret when the address is a secret",
            )
        return self


class GrantsSpec(Spec):
    """What a user may do, item by item; each item is declared in this file too."""

    experiments: dict[ExperimentName, Access] = Field(default_factory=dict)
    """By experiment."""
    models: dict[ModelName, Access] = Field(default_factory=dict)
    """By model."""
    prompts: dict[PromptName, Access] = Field(default_factory=dict)
    """By prompt."""


class UserSpec(Spec):
    """A user of the registry."""

    password: SecretRef
    """Names the secret that holds the password (at least 12 characters)."""
    admin: bool = False
    """Whether everything is allowed."""
    grants: GrantsSpec = Field(default_factory=GrantsSpec)
    """What is allowed otherwise."""
    revision: int = Field(default=1, ge=1)
    """Raise it to send a password again that this machine cannot compare (one in Secrets Manager)."""


class RegistryContentSpec(Spec):
    """Everything that the registry is to hold. What is not named here is left alone."""

    url: WebUrl | None = None
    """Where the deployer reaches the server; without it, through `kubectl port-forward` to the platform's own."""
    admin: UserName = "admin"
    """The user that makes changes."""
    admin_password: SecretRef | None = None
    """Names that user's secret; needed when the server asks for one."""
    timeout_sec: int = Field(default=120, ge=1, le=3600)
    """How long (seconds) a call is tried again while the server does not answer."""
    experiments: dict[ExperimentName, ExperimentSpec] = Field(default_factory=dict)
    """Experiments by name."""
    models: dict[ModelName, ModelSpec] = Field(default_factory=dict)
    """Registered models by name."""
    prompts: dict[PromptName, PromptSpec] = Field(default_factory=dict)
    """Prompts by name."""
    webhooks: dict[WebhookName, WebhookSpec] = Field(default_factory=dict)
    """Webhooks by name."""
    users: dict[UserName, UserSpec] = Field(default_factory=dict)
    """Users by name, other than the admin."""
    gateway: GatewaySpec = Field(default_factory=GatewaySpec)
    """The AI gateway."""

    def content(self) -> RegistryContentSpec:
        """The content alone, when it stands in a block with the server's own settings."""
        return RegistryContentSpec.model_construct(
            **{name: getattr(self, name) for name in RegistryContentSpec.model_fields}
        )

    @property
    def empty(self) -> bool:
        """Whether it declares nothing at all."""
        gateway = self.gateway
        kinds = (self.experiments, self.models, self.prompts, self.webhooks, self.users)
        return not any((*kinds, gateway.keys, gateway.models, gateway.endpoints, gateway.budgets))

    @model_validator(mode="after")
    def _names_what_is_there(self) -> RegistryContentSpec:
        if problems := [*self._clashes(), *self._unknown()]:
            raise Invalid.of(problems)
        return self

    def _clashes(self) -> Iterator[Problem]:
        for name in sorted(set(self.models) & set(self.prompts)):
            yield Problem(summary="models and prompts share their names", where=f"prompts.{name}", fix="rename one")
        for kind, names in (("models", self.models), ("prompts", self.prompts)):
            for name, spec in names.items():
                for alias in spec.aliases:
                    if alias.lower() == "latest" or (alias[:1] in "vV" and alias[1:].isdigit()):
                        yield Problem(
                            summary="MLflow reserves this alias",
                            where=f"{kind}.{name}.aliases.{alias}",
                            allowed="anything but latest, v1, v2 ...",
                        )
        if self.admin in self.users:
            yield Problem(summary="the admin is not declared as a user", where=f"users.{self.admin}", fix="take it out")
        for name in self.experiments:
            if "::" in name or name == "Default":
                yield Problem(summary="this experiment cannot be declared", where=f"experiments.{name}", found=name)

    def _unknown(self) -> Iterator[Problem]:
        gateway = self.gateway
        for name, user in self.users.items():
            for kind, granted, there in (
                ("experiments", user.grants.experiments, self.experiments),
                ("models", user.grants.models, self.models),
                ("prompts", user.grants.prompts, self.prompts),
            ):
                yield from _missing(f"users.{name}.grants.{kind}", granted, there)
        for name, model in gateway.models.items():
            yield from _missing(f"gateway.models.{name}.key", [model.key], gateway.keys)
        for name, endpoint in gateway.endpoints.items():
            yield from _missing(f"gateway.endpoints.{name}.models", endpoint.models, gateway.models)
            yield from _missing(f"gateway.endpoints.{name}.fallbacks", endpoint.fallbacks, gateway.models)
        for name, budget in gateway.budgets.items():
            where = f"gateway.budgets.{name}"
            if budget.endpoint and budget.user:
                yield Problem(summary="a budget is an endpoint's or a user's", where=where, fix="make two budgets")
            yield from _missing(f"{where}.endpoint", [budget.endpoint] if budget.endpoint else [], gateway.endpoints)


def _missing(where: str, names: Mapping[str, object] | list[str], there: Mapping[str, object]) -> Iterator[Problem]:
    for name in names:
        if name not in there:
            yield Problem(
                summary="this uses something that the file does not declare",
                where=where,
                found=name,
                allowed=", ".join(sorted(there)) or "nothing is declared there",
                fix="declare it, or take this out first",
            )
