"""The same resources without us: each SDK class called with the same inputs, wired to the same neighbours, no components.

What a stack declares is found first; then every placeholder in its inputs becomes the output that it stands for.
"""

from __future__ import annotations

import graphlib
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pulumi

from infra.declared import ACCOUNT, Declared, class_of, properties

PLACEHOLDER = re.compile(r"\$\{(urn:[^#{}]+)#([^{}]+)\}")
STEP = re.compile(r"[^.\[\]]+")
CUSTOM_OBJECT = "pulumi_kubernetes.apiextensions"


def flat_program(found: Mapping[str, Declared]) -> Callable[[], None]:
    """A program that registers the custom resources of `found` and nothing else, in an order that their wires allow."""
    custom = {urn: each for urn, each in found.items() if each.custom}
    order = list(graphlib.TopologicalSorter({urn: _needs(each, custom) for urn, each in custom.items()}).static_order())

    def program() -> None:
        made: dict[str, pulumi.CustomResource] = {}
        account = ""
        for urn in order:
            each = custom[urn]
            if each.token == "pulumi:providers:aws":
                made[urn] = _provider(each, made, account)
                import pulumi_aws as aws

                account = aws.get_caller_identity(
                    opts=pulumi.InvokeOptions(provider=_as_provider(made[urn]))
                ).account_id
            elif each.token.startswith("pulumi:providers:"):
                made[urn] = _provider(each, made, account)
            else:
                made[urn] = _resource(each, made, account)

    return program


def _needs(each: Declared, custom: Mapping[str, Declared]) -> set[str]:
    wired = {match[0] for match in PLACEHOLDER.findall(str(each.inputs))}
    provider = each.provider.partition("::${")[0]
    return {urn for urn in (*wired, *each.dependencies, provider) if urn in custom and urn != each.urn}


def _options(each: Declared, made: Mapping[str, pulumi.CustomResource]) -> pulumi.ResourceOptions:
    provider = made.get(each.provider.partition("::${")[0])
    return pulumi.ResourceOptions(
        depends_on=[made[urn] for urn in each.dependencies if urn in made],
        provider=provider if isinstance(provider, pulumi.ProviderResource) else None,
    )


def _as_provider(resource: pulumi.CustomResource) -> pulumi.ProviderResource | None:
    return resource if isinstance(resource, pulumi.ProviderResource) else None


def _provider(each: Declared, made: Mapping[str, pulumi.CustomResource], account: str) -> pulumi.CustomResource:
    inputs = {key: _wired(value, made, account) for key, value in each.inputs.items()}
    if each.token == "pulumi:providers:aws":
        import json

        import pulumi_aws as aws

        return aws.Provider(each.name, region=inputs["region"], default_tags=json.loads(inputs["defaultTags"]))
    if each.token != "pulumi:providers:kubernetes":
        return pulumi.ProviderResource(each.token.rpartition(":")[2], each.name, inputs, _options(each, made))
    import pulumi_kubernetes as k8s

    return k8s.Provider(
        each.name,
        kubeconfig=inputs["kubeconfig"],
        cluster_identifier=inputs["clusterIdentifier"],
        enable_server_side_apply=True,
        enable_config_map_mutable=True,
        opts=_options(each, made),
    )


def _resource(each: Declared, made: Mapping[str, pulumi.CustomResource], account: str) -> pulumi.CustomResource:
    inputs = {key: _wired(value, made, account) for key, value in each.inputs.items()}
    name = "-".join([each.parent.rpartition("::")[2], each.name])
    cls = class_of(each.token)
    if each.token.startswith("modelyard:"):
        return pulumi.CustomResource(each.token, name, {"version": None, **inputs}, _options(each, made))
    if cls is None:
        import pulumi_kubernetes as k8s

        return k8s.apiextensions.CustomResource(
            name,
            api_version=inputs.pop("apiVersion"),
            kind=inputs.pop("kind"),
            metadata=inputs.pop("metadata"),
            spec=inputs.pop("spec"),
            opts=_options(each, made),
        )
    python = {camel: snake for snake, camel in ((getter, camel) for camel, getter, _ in properties(cls))}
    arguments = {python[key]: value for key, value in inputs.items() if key not in {"apiVersion", "kind", "compat"}}
    resource: pulumi.CustomResource = cls(name, opts=_options(each, made), **arguments)
    return resource


def _wired(value: Any, made: Mapping[str, pulumi.CustomResource], account: str) -> Any:
    if isinstance(value, dict):
        return {key: _wired(inner, made, account) for key, inner in value.items()}
    if isinstance(value, list):
        return [_wired(inner, made, account) for inner in value]
    if not isinstance(value, str):
        return value
    text = value.replace(ACCOUNT, account)
    wires = PLACEHOLDER.findall(text)
    if not wires:
        return text
    outputs = [_output(made[urn], path) for urn, path in wires]
    if PLACEHOLDER.fullmatch(text):
        return outputs[0]
    return pulumi.Output.all(*outputs).apply(lambda known: _filled(text, iter(known)))


def _filled(text: str, values: Iterator[Any]) -> str:
    return PLACEHOLDER.sub(lambda _: str(next(values)), text)


def _output(resource: pulumi.CustomResource, path: str) -> pulumi.Output[Any]:
    first, *rest = STEP.findall(path)
    if first == "id":
        return resource.id
    if type(resource) is pulumi.CustomResource:
        whole: pulumi.Output[Any] = getattr(resource, first)
        return whole
    getter, kind = _member(type(resource), first)
    output: pulumi.Output[Any] = getattr(resource, getter)
    for step in rest:
        if step.isdigit():
            output, kind = output[int(step)], typing.get_args(kind)[0]
        else:
            getter, kind = _member(kind, step)
            output = getattr(output, getter)
    return output


def _member(cls: type, camel: str) -> tuple[str, Any]:
    return next((getter, kind) for name, getter, kind in properties(cls) if name == camel)
