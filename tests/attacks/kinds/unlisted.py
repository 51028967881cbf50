"""Kind 3: resources of packages and types that nobody has listed, and items of the registry beside its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.whole import changed, find, refused, under

LISTED, REGISTRY = "listed-types", "registry-as-planned"


def _made(component: str, token: str, inputs: Mapping[str, Any] | None = None, name: str = "it") -> Tried:
    def tried(_: Path) -> set[str]:
        return refused(under(component, token, name, inputs or {}))

    return tried


_TYPES = {
    "a Google cluster inside a planned component": ("network", "gcp:container/cluster:Cluster"),
    "an Azure machine inside a planned component": ("network", "azure-native:compute:VirtualMachine"),
    "an AWS type of the other provider": ("network", "aws-native:ec2:Instance"),
    "a command on the deployer's machine": ("cluster", "command:local:Command"),
    "a dynamic resource": ("cluster", "pulumi-python:dynamic:Resource"),
    "a container on the deployer's Docker": ("serving", "docker:index/container:Container"),
    "a random password, of a package that is not listed": ("registry", "random:index/randomPassword:RandomPassword"),
    "a component of somebody else's in a planned one": ("network", "team:index:Farm"),
    "an unknown component of the platform's own package": ("platform", "modelyard:index:Foo"),
    "an unknown item of the registry": ("registry-content", "modelyard:registry:Server"),
    "an AWS type that nobody has priced": ("network", "aws:sagemaker/endpoint:Endpoint"),
    "a Kubernetes file of objects": ("monitoring", "kubernetes:yaml/v2:ConfigFile"),
    "a Kubernetes group of files": ("monitoring", "kubernetes:yaml:ConfigGroup"),
    "a kustomization": ("monitoring", "kubernetes:kustomize/v2:Directory"),
    "a list of objects": ("monitoring", "kubernetes:core/v1:ServiceList"),
    "a patch of an object": ("monitoring", "kubernetes:core/v1:ServicePatch"),
    "a chart that the provider renders": ("monitoring", "kubernetes:helm.sh/v4:Chart"),
    "a provider of an unlisted package": ("", "pulumi:providers:gcp"),
    "something of the engine that makes more": ("", "pulumi:pulumi:Stash"),
}
_CONTENT = "registry-content"
_ALIAS = "modelyard:registry:PromptAlias"
_MODEL = "modelyard:registry:ModelAlias"

ATTACKS = (
    *(Attack(kind=Kind.UNLISTED, name=name, stopped_by=LISTED, tried=_made(*each)) for name, each in _TYPES.items()),
    Attack(
        kind=Kind.UNLISTED,
        name="an alias moved by a resource under another component",
        stopped_by=REGISTRY,
        tried=_made(
            "network",
            _ALIAS,
            {"prompt": "support-system", "alias": "production", "version": 1},
            "support-system@production",
        ),
    ),
    Attack(
        kind=Kind.UNLISTED,
        name="an alias that promotion moves, moved by a resource in the registry's content",
        stopped_by=REGISTRY,
        tried=_made(
            _CONTENT, _MODEL, {"model": "assistant", "alias": "production", "version": 9}, "assistant@production"
        ),
    ),
    Attack(
        kind=Kind.UNLISTED,
        name="an alias that the content names, set on another prompt",
        stopped_by=REGISTRY,
        tried=_made(
            _CONTENT, _ALIAS, {"prompt": "other", "alias": "production", "version": 1}, "support-system@production"
        ),
    ),
    Attack(
        kind=Kind.UNLISTED,
        name="an alias under the name of one that the content manages",
        stopped_by=REGISTRY,
        tried=_made(
            _CONTENT, _ALIAS, {"prompt": "support-system", "alias": "gold", "version": 1}, "support-system@production"
        ),
    ),
    Attack(
        kind=Kind.UNLISTED,
        name="a user of the registry outside its content",
        stopped_by=REGISTRY,
        tried=_made("registry", "modelyard:registry:User", {"name": "eve"}),
    ),
)

HARMLESS = (
    Harmless(kind=Kind.UNLISTED, name="the stack itself", tried=_made("", "pulumi:pulumi:Stack")),
    Harmless(
        kind=Kind.UNLISTED, name="a reader of another stack's outputs", tried=_made("", "pulumi:pulumi:StackReference")
    ),
    Harmless(kind=Kind.UNLISTED, name="the engine's own provider", tried=_made("", "pulumi:providers:pulumi")),
    Harmless(
        kind=Kind.UNLISTED,
        name="the alias that the content manages, on any version that its prompt has",
        tried=lambda _: refused(changed(find("support-system@production", "PromptAlias"), "version", 3)),
    ),
    Harmless(
        kind=Kind.UNLISTED,
        name="a security group in a planned component",
        tried=_made("network", "aws:ec2/securityGroup:SecurityGroup", {"vpcId": "vpc-1"}),
    ),
)
