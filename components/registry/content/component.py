"""The registry's content: experiments, models, prompts, aliases, webhooks, users, permissions and the AI gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.registry.content.gateway import GatewayBudgetSpec
from components.registry.content.spec import Access, AliasOwner, AliasSpec, RegistryContentSpec
from mlflow_provider import resources as items


@dataclass(frozen=True, kw_only=True)
class RegistryContentArgs:
    """`contents` holds each prompt's content as it was read from its files; `port_forward` is the way to a server that is only
    in the cluster (kubeconfig, namespace, service, port); `region` is where its secrets in AWS are, None without AWS; `needs` is
    what has to be there before the server answers.
    """

    spec: RegistryContentSpec
    contents: Mapping[str, Mapping[str, Any]]
    port_forward: pulumi.Input[Mapping[str, Any]] | None = None
    region: str | None = None
    needs: Sequence[pulumi.Resource] = field(default_factory=tuple)

    def connection(self) -> dict[str, Any]:
        """The provider's settings, and whoever else reaches the server: by its address, else by the way to the cluster."""
        spec = self.spec
        return {
            "url": spec.url,
            "port_forward": None if spec.url else self.port_forward,
            "user": spec.admin if spec.admin_password or not spec.url else None,
            "password": spec.admin_password,
            "timeout_sec": spec.timeout_sec,
            "region": self.region,
        }


@pulumi.type_token("modelyard:index:RegistryContent")
class RegistryContent(pulumi.ComponentResource):
    """What the model registry holds, reconciled item by item with a running MLflow server."""

    def __init__(self, name: str, args: RegistryContentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:RegistryContent", name, {"spec": args.spec.to_inputs()}, opts)
        spec = args.spec
        under = pulumi.ResourceOptions(parent=self, depends_on=list(args.needs))
        provider = items.Registry(name, **args.connection(), opts=under)
        self._opts = pulumi.ResourceOptions(parent=self, provider=provider)
        self._experiments(spec)
        self._models(spec)
        self._prompts(spec, args.contents)
        self._webhooks(spec)
        self._users(spec)
        self._gateway(spec)
        self.register_outputs({"spec": spec.to_inputs()})

    def _with(self, *needs: pulumi.Resource, retain: bool = False) -> pulumi.ResourceOptions:
        more = pulumi.ResourceOptions(depends_on=list(needs), retain_on_delete=retain or None)
        return pulumi.ResourceOptions.merge(self._opts, more)

    def _experiments(self, spec: RegistryContentSpec) -> None:
        self.experiments = {
            name: items.Experiment(
                name,
                name=name,
                description=each.description,
                tags=each.tags,
                opts=self._with(retain=each.retain_on_delete),
            )
            for name, each in spec.experiments.items()
        }

    def _models(self, spec: RegistryContentSpec) -> None:
        self.models: dict[str, pulumi.CustomResource] = {}
        for name, each in spec.models.items():
            self.models[name] = items.RegisteredModel(
                name,
                name=name,
                description=each.description,
                tags=each.tags,
                opts=self._with(retain=each.retain_on_delete),
            )
            for alias, owned in _managed(each.aliases).items():
                items.ModelAlias(
                    f"{name}@{alias}",
                    model=self.models[name].id,
                    alias=alias,
                    version=owned.version or 0,
                    opts=self._with(),
                )

    def _prompts(self, spec: RegistryContentSpec, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self.prompts: dict[str, pulumi.CustomResource] = {}
        for name, each in spec.prompts.items():
            prompt = items.Prompt(
                name,
                name=name,
                description=each.description,
                tags=each.tags,
                content=contents[name],
                opts=self._with(retain=each.retain_on_delete),
            )
            self.prompts[name] = prompt
            for alias, owned in _managed(each.aliases).items():
                items.PromptAlias(
                    f"{name}@{alias}",
                    prompt=prompt.id,
                    alias=alias,
                    version=prompt.version if owned.version is None else owned.version,
                    # A number that somebody wrote may be the very version that this prompt's change makes.
                    opts=self._with(prompt),
                )

    def _webhooks(self, spec: RegistryContentSpec) -> None:
        for name, each in spec.webhooks.items():
            items.Webhook(
                name,
                name=name,
                url=each.url,
                url_secret=each.url_secret,
                events=[event.value for event in each.events],
                description=each.description,
                enabled=each.enabled,
                secret=each.secret,
                revision=each.revision,
                opts=self._with(),
            )

    def _users(self, spec: RegistryContentSpec) -> None:
        self.users: dict[str, pulumi.CustomResource] = {}
        for name, each in spec.users.items():
            user = items.User(
                name,
                username=name,
                password=each.password,
                admin=each.admin,
                revision=each.revision,
                opts=self._with(),
            )
            self.users[name] = user
            self._grants(user, name, "experiment", each.grants.experiments, self.experiments)
            self._grants(user, name, "registered_model", each.grants.models, self.models)
            self._grants(user, name, "prompt", each.grants.prompts, self.prompts)

    def _grants(
        self,
        user: pulumi.CustomResource,
        name: str,
        kind: str,
        granted: Mapping[str, Access],
        there: Mapping[str, pulumi.CustomResource],
    ) -> None:
        for resource, access in granted.items():
            items.Permission(
                f"{name}/{kind}/{resource}",
                user=user.id,
                type=kind,
                resource=there[resource].id,
                permission=access.value.upper(),
                opts=self._with(),
            )

    def _gateway(self, spec: RegistryContentSpec) -> None:
        gateway = spec.gateway
        keys = {
            name: items.GatewayKey(
                name,
                name=name,
                provider=each.provider,
                value=each.value,
                settings=each.settings,
                revision=each.revision,
                opts=self._with(),
            )
            for name, each in gateway.keys.items()
        }
        models = {
            name: items.GatewayModel(
                name,
                name=name,
                provider=each.provider,
                model=each.model,
                gateway_key=keys[each.key].id,
                opts=self._with(),
            )
            for name, each in gateway.models.items()
        }
        endpoints = {
            name: items.GatewayEndpoint(
                name,
                name=name,
                models=_shares({models[model]: float(share) for model, share in each.models.items()}),
                fallbacks=[models[model].id for model in each.fallbacks],
                usage_tracking=each.usage_tracking,
                opts=self._with(),
            )
            for name, each in gateway.endpoints.items()
        }
        for name, budget in gateway.budgets.items():
            self._budget(name, budget, endpoints)

    def _budget(self, name: str, budget: GatewayBudgetSpec, endpoints: Mapping[str, pulumi.CustomResource]) -> None:
        scope = "GLOBAL"
        target: pulumi.Input[str] | None = None
        needs: list[pulumi.Resource] = []
        if budget.endpoint:
            scope, target = "ENDPOINT", endpoints[budget.endpoint].id
        elif budget.user:
            scope, target = "USER", budget.user
            needs = [self.users[budget.user]] if budget.user in self.users else []
        items.BudgetPolicy(
            name,
            amount_usd=float(budget.amount_usd),
            every=budget.every,
            unit=budget.unit.value.upper(),
            action=budget.action.value.upper(),
            scope=scope,
            target=target,
            opts=self._with(*needs),
        )


def _managed(aliases: Mapping[str, AliasSpec]) -> dict[str, AliasSpec]:
    """The aliases that the stack file moves; the others are the promotion process's, and no resource here touches them."""
    return {alias: spec for alias, spec in aliases.items() if spec.by is AliasOwner.MANAGED}


def _shares(models: Mapping[items.GatewayModel, float]) -> pulumi.Output[list[dict[str, Any]]]:
    """The models of an endpoint in the order of their ids, which is the one that can be compared with the server's."""
    ids = pulumi.Output.all(*[model.id for model in models])
    return ids.apply(
        lambda known: sorted(
            ({"id": id, "weight": share} for id, share in zip(known, models.values(), strict=True)),
            key=lambda each: str(each["id"]),
        )
    )
