"""What an identity's policy allows: every action and resource of every statement, judged by what it reaches."""

from __future__ import annotations

from collections.abc import Iterator

from policies.graph import UNKNOWN
from policies.rule import Finding, refuse, undetermined
from policies.security.access import actions, conditions, documents, reach
from policies.security.access.actions import SERVICES, Service
from policies.security.access.documents import Statement


def judged(path: str, document: object) -> Iterator[Finding]:
    """What is wrong with a policy document of a role, a user or a group."""
    if document is UNKNOWN:
        yield undetermined(path)
        return
    for found in documents.allowed(path, document):
        if isinstance(found, Finding):
            yield found
        else:
            yield from _statement(found)


def _statement(statement: Statement) -> Iterator[Finding]:
    where = statement.where
    for element, what in (("NotAction", "action"), ("NotResource", "resource")):
        if element in statement.elements:
            yield refuse(
                f"{where}.{element}",
                f"the statement allows every {what} but those named",
                found=", ".join(documents.texts(statement.elements[element])),
                allowed=f"{element.removeprefix('Not')} with what is needed",
            )
    if "NotAction" not in statement.elements and not statement.actions:
        yield refuse(f"{where}.Action", "the statement names no action", allowed="the actions that are needed")
    if "NotResource" not in statement.elements and not statement.resources:
        yield refuse(f"{where}.Resource", "the statement names no resource", allowed="the resources that are needed")
    for action in statement.actions:
        if problem := _problem(action, statement):
            yield refuse(
                f"{where}.Action",
                problem,
                found=f"{action} on {', '.join(statement.resources) or 'NotResource'}",
                allowed="the actions that are needed, on the resources that they are needed on",
            )


def _problem(action: str, statement: Statement) -> str:
    prefix, colon, name = action.lower().partition(":")
    if not colon or reach.is_open(prefix):
        return "the statement grants everything"
    service = SERVICES.get(prefix)
    if service is None:
        return "nobody has said what the actions of this service reach"
    return _unlisted(service, name) or _too_far(service, prefix, name, statement)


def _unlisted(service: Service, name: str) -> str:
    start = reach.literal(name)
    reads = start.startswith(actions.READS)
    if reach.is_open(name) and not reads:
        return "the wildcard takes in actions that nobody has listed"
    if any(reach.matches(name, each) for each in service.never):
        return "the action hands out access, or runs code as somebody else"
    if service.only is not None and not reads and name not in service.only:
        return "the action changes who may do what"
    return ""


def _too_far(service: Service, prefix: str, name: str, statement: Statement) -> str:
    if f"{prefix}:{name}" in actions.FREE:
        return ""
    key = service.conditioned.get(name)
    if key == actions.TAGS and not conditions.on_tags(statement):
        return "the action needs a condition on a tag with a fixed value"
    if key and key != actions.TAGS and not conditions.holds(statement, (key,), lambda value: not reach.is_open(value)):
        return f"the action needs a condition on {key} with fixed values"
    start = reach.literal(name)
    if start.startswith(actions.LISTS) or (start.startswith(actions.READS) and not service.data):
        return ""
    if any(map(reach.everywhere, statement.resources)):
        return "the action is allowed on every resource"
    if (service.data or name == "passrole" or name.endswith("rolepolicy")) and not all(
        map(reach.names_something, statement.resources)
    ):
        return "the action is allowed on resources that nobody has named"
    if prefix in ("iam", "sts") and not all(
        reach.ACCOUNT.fullmatch(reach.account_of(resource)) for resource in statement.resources
    ):
        return "the action is allowed in accounts that nobody has named"
    return ""
