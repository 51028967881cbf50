"""The rule on tags: what cannot be told apart on the bill, or has no owner, is refused."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from policies.graph import UNKNOWN, Node, mapping
from policies.rule import Context, Finding, Rule, Severity, refuse, undetermined


def default_tags(provider: Node | None) -> Mapping[str, Any]:
    """The tags that a provider puts on everything; a provider's nested properties come as JSON text."""
    value: Any = provider.read("defaultTags") if provider else None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    return mapping(mapping(value).get("tags"))


@functools.cache
def takes_tags(token: str) -> bool:
    """Whether resources of this type take tags, by the arguments that `pulumi_aws` declares; True when it is not known.

    Only asked when the provider's default tags do not answer, for importing `pulumi_aws` takes a while.
    """
    _, path, kind = token.split(":")
    module_name = path.partition("/")[0]
    try:
        module = importlib.import_module("pulumi_aws")
        for part in ("lambda_" if module_name == "lambda" else module_name).split("."):
            module = getattr(module, part)
        arguments = getattr(module, f"{kind}Args")
    except (ImportError, AttributeError):
        return True
    return "tags" in inspect.signature(arguments.__init__).parameters


def required_tags(node: Node, context: Context) -> Iterator[Finding]:
    """A tag counts when the resource has it, or gets it from its provider."""
    given = {**default_tags(context.provider), **mapping(node.read("tagsAll")), **mapping(node.read("tags"))}
    missing = [tag for tag in context.guard.required_tags if given.get(tag) in (None, "")]
    if not missing or not takes_tags(node.type):
        return
    if node.read("tags") is UNKNOWN or node.read("tagsAll") is UNKNOWN:
        yield undetermined("tags")
        return
    yield refuse(
        "tags",
        f"required tags are missing: {', '.join(missing)}",
        found=", ".join(sorted(given)) or "no tags",
        allowed=f"{', '.join(context.guard.required_tags)}, none of them empty",
    )


RULES = (
    Rule(
        name="required-tags",
        pack="security",
        severity=Severity.MEDIUM,
        description="Every AWS resource that takes tags carries those that the guard file requires.",
        fix="Use the platform's provider, whose default tags hold them, or set them on the resource.",
        applies_to=("aws:",),
        check=required_tags,
    ),
)
