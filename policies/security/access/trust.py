"""Whom a policy of a role, a queue, a bucket, a key or a secret trusts, and whether a condition says which of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from policies.accounts import of_provider
from policies.graph import Node
from policies.rule import Context, Finding, refuse
from policies.security.access import conditions, documents, reach
from policies.security.access.documents import Statement

_PRINCIPAL = re.compile(r"(?:\d{12}|arn:aws[a-z-]*:(?:iam|sts)::\d{12}:\S+)")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?")
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/(?P<issuer>\S+)")
_SAML = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:saml-provider/\S+")
FIXED_PARTS = 3
"""How many parts of a token's subject are literal: `repo:owner/name`, `system:serviceaccount:namespace`."""
MEMORY = "trusted account"


def judged(path: str, document: object, context: Context) -> Iterator[Finding]:
    """What is wrong with a resource's policy, or with a role's trust."""
    for found in documents.allowed(path, document):
        if isinstance(found, Finding):
            yield found
            continue
        for place, summary, shown in _problems(found, context):
            yield refuse(
                f"{found.where}.{place}",
                summary,
                found=shown,
                allowed="named principals of this account, or a Condition that says which",
            )


def _problems(statement: Statement, context: Context) -> Iterator[tuple[str, str, str]]:
    if "NotPrincipal" in statement.elements:
        yield "NotPrincipal", "the statement trusts everybody but those named", ""
        return
    principal = statement.elements.get("Principal")
    if principal is None:
        yield "Principal", "the statement does not say whom it trusts", ""
        return
    groups = principal if isinstance(principal, Mapping) else {"": principal}
    told = conditions.holds(statement, conditions.CALLERS)
    for kind, listed in groups.items():
        for name in documents.texts(listed):
            if problem := _of(str(kind), name, statement, told):
                yield "Principal", problem, name
    named = [name for listed in groups.values() for name in documents.texts(listed)]
    tested = [value for _, key, values in statement.conditions if key in conditions.CALLERS for value in values]
    for account in reach.accounts_in((*named, *tested)):
        if not _ours(account, context):
            yield "Principal", "the statement trusts another account than this stack's", account


def _of(kind: str, name: str, statement: Statement, told: bool) -> str:
    if kind == "Federated":
        return _federated(name, statement)
    if name == "*":
        return "" if told and kind in ("", "AWS") else "the statement trusts everybody"
    if kind == "AWS" and (reach.is_open(name) or not _PRINCIPAL.fullmatch(name)):
        return "the statement trusts a principal that cannot be told from its name"
    if kind == "Service" and not _SERVICE.fullmatch(name):
        return "this is no service of AWS"
    return "" if kind in ("AWS", "Service") else "the statement trusts a principal of an unknown kind"


def _federated(name: str, statement: Statement) -> str:
    keys: tuple[str, ...]
    narrow: Callable[[str], bool] | None
    if _SAML.fullmatch(name):
        keys, narrow = ("saml:aud", "saml:sub"), None
    else:
        found = _PROVIDER.fullmatch(name)
        issuer = found["issuer"] if found else name
        if reach.is_open(issuer):
            return "the statement trusts identity providers that nobody has named"
        keys, narrow = (f"{issuer.lower()}:sub",), _one_subject
    if conditions.holds(statement, keys, narrow):
        return ""
    return f"everybody whom the identity provider knows is trusted, for no condition on {keys[-1]} says whom"


def _one_subject(value: str) -> bool:
    parts = re.split(r"[:/]", value, maxsplit=FIXED_PARTS)
    return not reach.is_open(value) or (len(parts) > FIXED_PARTS and not any(map(reach.is_open, parts[:FIXED_PARTS])))


def _ours(account: str, context: Context) -> bool:
    """The provider's accounts where it lists them; else all policies of a run have to agree on one."""
    accounts = of_provider(context.provider)
    if accounts is None:
        return False
    if accounts:
        return account in accounts
    return bool(context.memory.setdefault(MEMORY, account) == account)


def attached(arn: str, seen: Mapping[str, Node]) -> str:
    """What is wrong with a managed policy that a role holds: it has to be a listed one of AWS's, or one of this stack."""
    from policies.security.access.actions import MANAGED

    if arn in MANAGED:
        return ""
    owner, _, name = arn.partition(":policy/")
    if reach.ACCOUNT.fullmatch(reach.account_of(arn)) and owner.startswith("arn:aws"):
        return (
            ""
            if any(_makes(node, name.rpartition("/")[2]) for node in seen.values())
            else "nobody has read this policy"
        )
    return "AWS's policy is wider than what the platform's roles need"


def _makes(node: Node, name: str) -> bool:
    if node.type != "aws:iam/policy:Policy":
        return False
    given = node.read("name")
    if isinstance(given, str):
        return given == name
    # Without a name the engine makes one: the logical name with seven random digits.
    return re.fullmatch(re.escape(node.name) + r"-[0-9a-f]{7}", name) is not None
