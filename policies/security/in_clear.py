"""Rules on secrets that stand in the program in clear: the engine keeps them, and shows them, as any other text.

The engine says of each value whether it is secret; a text that it holds secret anywhere in the run counts as one.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping

from core.secret_shapes import is_secret
from policies.graph import UNKNOWN, Node, inputs_of, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined

SECRETS = ("kubernetes:core/v1:Secret",)
"""Patches and lists of Secrets begin so too."""
USER_DATA = ("userData", "userDataBase64")
MOST_USER_DATA = 64 * 1024
"""More bytes than user data may have once it is unpacked; EC2 takes 16 KiB of it packed."""
_WORDS = r"password|passwd|passphrase|token|api[_-]?key|access[_-]?key|private[_-]?key"
_NAMED = re.compile(rf"(?i)(?:{_WORDS}|secret)$")
"""Names of variables and flags whose values are secrets."""
_VALUES_NAMED = re.compile(rf"(?i)(?:{_WORDS})$")
"""The same for values of charts, where `secret` is mostly the name of a Secret."""
RELEASE = "kubernetes:helm.sh/v3:Release"
_LOGIN = re.compile(r"://[^/\s:@]+:[^/\s@$({]{3,}@")
"""A user and a password in front of a host."""
_REFERENCE = re.compile(r"\$\([A-Za-z_][\w.-]*\)|\{\{.*\}\}")
"""A value that a controller or the kubelet fills in."""
_HOLDERS = frozenset(("env", "args", "command"))


def _in_clear(value: object, context: Context) -> bool:
    return isinstance(value, str) and value != "" and value not in context.secrets


def _looks_secret(text: str) -> bool:
    return is_secret(text) or _LOGIN.search(text) is not None


def secrets_marked(node: Node, context: Context) -> Iterator[Finding]:
    """Whatever stands in a Secret is one, or it would stand in a ConfigMap."""
    made = [
        ("", node.inputs),
        *((f"items[{index}].", mapping(each)) for index, each in enumerate(items(node.read("items")))),
    ]
    for above, secret in made:
        for part in ("data", "stringData"):
            held = secret.get(part)
            if held is UNKNOWN:
                yield undetermined(f"{above}{part}")
            for key, value in mapping(held).items():
                if value is UNKNOWN:
                    yield undetermined(f"{above}{part}.{key}")
                elif _in_clear(value, context):
                    yield refuse(
                        f"{above}{part}.{key}",
                        "the secret stands in the state in clear",
                        allowed="a value that the engine holds secret: pulumi.Output.secret, or secret configuration",
                    )


def no_keys_in_clear(node: Node, context: Context) -> Iterator[Finding]:
    """User data, environments and values of charts are read by more people and programs than may read secrets."""
    fix = "keep it in Secrets Manager, and let the machine or the pod read it with its role"
    chart = node.type == RELEASE
    for path, key, value in inputs_of(node):
        if key in USER_DATA and isinstance(value, str):
            if any(_looks_secret(text) for text in _unpacked(value)):
                yield refuse(path, "the user data holds what looks like a secret", allowed="no secret", fix=fix)
        elif key in _HOLDERS and node.type.startswith("kubernetes:"):
            for where, name, text in _texts(path, value):
                if _in_clear(text, context) and (_told_by_name(_NAMED, name, text) or _looks_secret(text)):
                    yield refuse(where, "the container is told what looks like a secret", allowed="valueFrom", fix=fix)
        elif chart and isinstance(value, str) and path.startswith("values.") and _in_clear(value, context):
            if not (_told_by_name(_VALUES_NAMED, key, value) or _looks_secret(value)):
                continue
            yield refuse(path, "the chart is given what looks like a secret", allowed="the name of a Secret", fix=fix)


def _texts(path: str, value: object) -> Iterator[tuple[str, str, str]]:
    """(path, name of the variable or nothing, text) of an environment, of arguments or of a command."""
    if isinstance(value, Mapping):
        yield from ((f"{path}.{key}", str(key), each) for key, each in value.items() if isinstance(each, str))
        return
    flag = ""
    for index, each in enumerate(items(value)):
        where = f"{path}[{index}]"
        if isinstance(each, str):
            name, equals, text = each.lstrip("-").partition("=")
            yield (where, name, text) if equals else (where, flag, each)
            flag = each if each.startswith("-") and not equals else ""
        elif isinstance(told := mapping(each).get("value"), str):
            yield f"{where}.value", str(mapping(each).get("name")), told


def _told_by_name(named: re.Pattern[str], name: str, text: str) -> bool:
    return named.search(name) is not None and not _REFERENCE.search(text) and not text.startswith(("/", "$", "-"))


def _unpacked(value: str) -> Iterator[str]:
    """User data as it is written, and as EC2 reads it: from base64, and unzipped."""
    yield value
    try:
        raw = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(raw, MOST_USER_DATA)
        except zlib.error:
            return
    yield raw.decode("utf-8", "replace")


RULES = (
    Rule(
        name="secrets-marked",
        pack="security",
        severity=Severity.HIGH,
        description="Every value of a Kubernetes Secret is one that the engine holds secret.",
        fix="Make the value a secret of the engine, or let External Secrets write the Secret.",
        applies_to=SECRETS,
        check=secrets_marked,
        references=(Reference(framework="CIS EKS", control="4.4.1"),),
    ),
    Rule(
        name="no-keys-in-clear",
        pack="security",
        severity=Severity.CRITICAL,
        description="No user data of a machine, and no variable or argument of a container, holds what looks like a secret.",
        fix="Keep it in Secrets Manager, and let the machine or the pod read it with its role.",
        applies_to=("aws:", "kubernetes:"),
        check=no_keys_in_clear,
    ),
)
