"""Keys, secrets and parameters: KMS, Secrets Manager and the SSM Parameter Store.

Sources: AWS KMS pricing (the first and the second rotation of a key raise its price by one key each, later ones do not; each
primary and replica of a multi-Region key is a key), AWS Secrets Manager pricing (a replica is billed as a secret), AWS Systems
Manager pricing and user guide, "Managing parameter tiers" (not opened).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from pricing.items.cost import ZERO, CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import Meter, at_most

PAID_ROTATIONS = 2
STANDARD_BYTES = 4096
"""Up to this length intelligent tiering keeps an SSM parameter standard, which is free."""
_SYMMETRIC = "SYMMETRIC_DEFAULT"
_REQUESTS = {
    **dict.fromkeys((_SYMMETRIC, "RSA_2048"), "kms/requests"),
    **dict.fromkeys(
        ("RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"),
        "kms/asymmetric-requests-except-rsa-2048",
    ),
}
"""Key spec -> the price of requests to it."""


def kms_key(meter: Meter, *, spec: str = _SYMMETRIC, rotates: bool = True) -> Iterator[CostItem]:
    """A KMS key of one's own, its first two rotations when it rotates by itself, and the requests to it. Raises Unpriced."""
    key = _REQUESTS.get(spec)
    if key is None:
        raise Unpriced("no price of requests to a key of this spec is on file")
    yield meter.fixed("key", "kms/key", Decimal(1), "key-month")
    if rotates:
        why = "the first and the second rotation raise the price by one key each, and nobody here knows the key's age"
        yield at_most(meter, "rotations", "kms/key", Decimal(PAID_ROTATIONS), "key-month", why)
    requests = meter.usage.kms_requests
    amount = Decimal(requests) / 10_000
    yield meter.used("requests", key, amount, "10000 requests", f"kmsRequests: {requests} a month")


def secret(meter: Meter, replicas: int = 0) -> Iterator[CostItem]:
    """A secret, its replicas in other regions, and the calls that read it."""
    yield meter.fixed("secret", "secrets-manager/secret", Decimal(1), "secret-month")
    if replicas:
        why = "each replica is billed as a secret of its own"
        yield meter.fixed("replicas", "secrets-manager/secret", Decimal(replicas), "secret-month", assumptions=(why,))
    calls = meter.usage.secret_calls
    yield meter.used("calls", "secrets-manager/calls", Decimal(calls) / 10_000, "10000 calls", f"secretCalls: {calls}")


def parameter(meter: Meter, *, advanced: bool | None) -> Iterator[CostItem]:
    """An SSM parameter: a standard one is free, an advanced one is paid by the month and by the call.

    `advanced` is None where nobody knows yet; then both lines come to nothing at least, and to those of an advanced one at most.
    """
    if advanced is False:
        return
    calls = meter.usage.parameter_calls
    used = meter.used(
        "calls", "ssm/advanced-parameter-calls", Decimal(calls) / 10_000, "10000 calls", f"parameterCalls: {calls}"
    )
    if advanced:
        yield meter.fixed("parameter", "ssm/advanced-parameter", Decimal(1), "parameter-month")
        yield used
        return
    why = f"free up to {STANDARD_BYTES} bytes, and its length is not known"
    yield at_most(meter, "parameter", "ssm/advanced-parameter", Decimal(1), "parameter-month", why)
    yield (replace(used, expected=ZERO) if used.priced else used).assuming(why)


def read_key(meter: Meter, node: Node) -> Iterator[CostItem]:
    """A KMS key as it is declared. Raises Unpriced."""
    spec, rotates = node.read("customerMasterKeySpec"), node.read("enableKeyRotation")
    if not isinstance(spec, str | None):
        raise Unpriced("the spec of the key, which decides what requests cost, is not known")
    return kms_key(meter, spec=spec or _SYMMETRIC, rotates=rotates not in (None, False))


def read_secret(meter: Meter, node: Node) -> Iterator[CostItem]:
    """A secret as it is declared. Raises Unpriced."""
    replicas = node.read("replicas")
    if not isinstance(replicas, tuple | None):
        raise Unpriced("how many replicas the secret has is not known")
    return secret(meter, len(replicas or ()))


def read_parameter(meter: Meter, node: Node) -> Iterator[CostItem]:
    """An SSM parameter as it is declared. Raises Unpriced.

    Without a tier the account's own holds, which may be intelligent tiering, so a long parameter may be an advanced one.
    """
    tier = node.read("tier")
    if tier == "Standard":
        return iter(())
    if tier == "Advanced":
        return parameter(meter, advanced=True)
    if tier not in (None, "Intelligent-Tiering"):
        raise Unpriced("the tier of the parameter is not known")
    lengths = [_bytes(node.read(key)) for key in ("value", "insecureValue", "valueWo")]
    longest = [length for length in lengths if length is not None]
    unknown = any(node.read(key) is UNKNOWN for key in ("value", "insecureValue", "valueWo")) or not longest
    if any(each > STANDARD_BYTES for each in longest):
        return parameter(meter, advanced=True)
    return parameter(meter, advanced=None if unknown else False)


def _bytes(value: Value) -> int | None:
    return len(value.encode()) if isinstance(value, str) else None
