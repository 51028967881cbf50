"""Which namespace may read which secret (audiences), and the names that would give one namespace another's secret."""

from __future__ import annotations

from collections.abc import Iterator

from components.monitoring.component import NAMESPACE as MONITORING
from components.registry.component import Keeping
from components.registry.pods import NAMESPACE as REGISTRY
from components.registry.secrets import reader_secret, secret_name
from components.secrets.component import SecretSource
from components.secrets.stores import Audience, prefix
from core.problem import Problem
from infra.stack.settings import Settings


def audiences(settings: Settings) -> list[Audience]:
    """Everybody who reads from Secrets Manager: the platform's namespaces what is named for them, teams what is theirs."""
    name, found = settings.full_name, []
    named = {each for _, each in settings.monitoring.named_secrets()} if settings.monitoring.enabled else set()
    if named:
        found.append(Audience(namespace=MONITORING, names=tuple(sorted(named))))
    if settings.registry is not None and settings.registry.keeping is Keeping.AWS:
        reading = (reader_secret(name),) if settings.releases else ()
        found.append(Audience(namespace=REGISTRY, names=(secret_name(name), *reading)))
    return [*found, *(Audience(namespace=team, prefixes=(prefix(name, team),)) for team in _teams(settings))]


def _teams(settings: Settings) -> list[str]:
    return [each for each in settings.namespaces.all if each != REGISTRY]


def crossing(settings: Settings) -> Iterator[Problem]:
    """Secrets that the platform is told to read and that are not its own, with their paths in the stack file.

    A name is never repeated: somebody may have written the secret itself there.
    """
    name, source = settings.full_name, settings.external_secrets.source
    if source is SecretSource.NONE and settings.registry is not None and settings.registry.keeping is Keeping.AWS:
        yield Problem(
            summary="the registry's keys are kept in Secrets Manager, and this stack reads nothing there",
            where="externalSecrets.source",
            found=source.value,
            allowed=f"{SecretSource.SECRETS_MANAGER.value} with registry.keeping: {Keeping.AWS.value}",
        )
    for where, each in settings.monitoring.named_secrets():
        path = f"monitoring.{where}"
        if source is SecretSource.NONE:
            yield Problem(
                summary="named secrets are read from Secrets Manager, and externalSecrets is off in this stack",
                where=path,
                fix="leave it out, or say externalSecrets: { source: secretsManager }",
            )
        elif not each.startswith(f"{name}/"):
            yield Problem(
                summary="the platform reads only secrets whose name starts with its own",
                where=path,
                allowed=f"the name of a secret that starts with {name}/",
                fix="keep the value in Secrets Manager under such a name, and write that name here",
            )
        elif team := next((space for space in _teams(settings) if each.startswith(prefix(name, space))), ""):
            yield Problem(
                summary=f"the pods of namespace {team} can read this secret: keep it under another name",
                where=path,
                allowed=f"a name that starts with {name}/ and not with {prefix(name, team)}",
                fix="keep the platform's secret under another name",
            )
