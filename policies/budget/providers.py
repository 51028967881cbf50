"""Rules on providers: which account, region and cluster the plan's resources are made in is part of what is judged.

Inputs by name: Pulumi registry, configuration of `aws` 7, `kubernetes` 4 (SDKs' `provider.py`, read 2026-12-01). An input that is
not listed here is refused: another account's role, credentials, endpoints of one's own, another profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.accounts import of_provider
from policies.budget.tree import platform_of
from policies.graph import PLATFORM, UNKNOWN, Node, mapping, stack_of
from policies.rule import Context, Finding, Rule, Severity, refuse

PROVIDER = "pulumi:providers:"
LISTED: Mapping[str, frozenset[str]] = {
    "aws": frozenset(
        {"allowedAccountIds", "defaultTags", "region", "skipCredentialsValidation", "skipRegionValidation"}
    ),
    "kubernetes": frozenset(
        {"clusterIdentifier", "context", "enableConfigMapMutable", "enableServerSideApply", "kubeconfig"}
    ),
    "modelyard": frozenset({"password", "portForward", "region", "timeoutSec", "url", "user"}),
    "pulumi": frozenset(),
}
"""Package -> the inputs that its provider may have: what the platform sets, and what the SDK sets by itself."""
BY_ENGINE = frozenset({"version", "__internal", "__defaults"})
"""What the engine and SDKs note in a provider's inputs: its version, and where its plugin comes from, which is judged apart."""
OWN_PLUGIN = ("pluginDownloadURL", "pluginChecksums", "parameterization", "pluginParameterization")


def provider_inputs(node: Node, context: Context) -> Iterator[Finding]:
    """A provider has listed inputs only, and its region is the plan's; one that came before the plan is judged with it."""
    if node.type == PLATFORM:
        for each in context.seen.values():
            if each.type.startswith(PROVIDER):
                yield from _in_the_region(each, each.type.removeprefix(PROVIDER), context)
        return
    package = node.type.removeprefix(PROVIDER)
    listed = LISTED.get(package)
    if listed is None:
        return  # told by listed_type, which is mandatory too
    for name, value in node.inputs.items():
        if value is not None and name not in listed and name not in BY_ENGINE:
            yield refuse(name, "an input by which a provider may work elsewhere", allowed=", ".join(sorted(listed)))
    for name in OWN_PLUGIN:
        if mapping(node.read("__internal")).get(name):
            yield refuse(name, "a provider whose plugin comes from elsewhere")
    yield from _in_the_region(node, package, context)
    account = context.guard.account(stack_of(node))
    if package == "aws" and of_provider(node) != ((account,) if account else ()):
        yield refuse(
            "allowedAccountIds",
            "a provider of other accounts than the guard file names",
            allowed=account or "nothing: the guard file names no account under `accounts`",
        )


def _in_the_region(node: Node, package: str, context: Context) -> Iterator[Finding]:
    """The region of a provider, and that of the cluster that it names, are the ones that the plan was priced for."""
    platform = platform_of(context)
    region = platform.read("region") if platform else None
    if region is None or package in ("modelyard", "pulumi"):
        return
    if package == "aws" and node.read("region") != region:
        found = node.read("region")
        shown = "a region that is not known" if found in (None, UNKNOWN) else found
        yield refuse("region", "a provider of another region than the plan's", found=shown, allowed=str(region))
    cluster = node.read("clusterIdentifier")
    if package == "kubernetes" and isinstance(cluster, str) and cluster.split(":")[2:4] != ["eks", region]:
        yield refuse("clusterIdentifier", "a cluster outside the plan's region", found=cluster, allowed=str(region))
    if package == "kubernetes" and node.read("context") is not None:
        yield refuse("context", "a cluster of one's own kubeconfig, where the plan has one in AWS")


RULES = (
    Rule(
        name="provider-inputs",
        pack="budget",
        severity=Severity.HIGH,
        description="A provider works in the plan's region, in the account of whoever deploys, by listed inputs only.",
        fix="Use the platform's own providers, and let the deployer's environment say who deploys.",
        applies_to=(PROVIDER, PLATFORM),
        check=provider_inputs,
        exemptible=False,
    ),
)
