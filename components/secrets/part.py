"""External Secrets as a part."""

from __future__ import annotations

from components.part import Part

PART = Part(
    name="secrets",
    about="how secrets reach the cluster",
    when="with monitoring or a registry",
    there=lambda stack: stack.settings.uses_secrets,
    components=lambda _stack: ("ExternalSecrets::external-secrets",),
)
