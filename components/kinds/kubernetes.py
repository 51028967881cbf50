"""Names and amounts of Kubernetes.

Source: Kubernetes documentation, "Object Names and IDs" (labels of 63, subdomains of 253 characters) and "Resource units".
"""

from __future__ import annotations

from typing import Annotated

from components.kinds.kind import Kind

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

Namespace = Annotated[
    str,
    Kind(
        what="the name of a namespace", allowed="lower-case letters, digits and dashes, 63 at the most", pattern=_LABEL
    ),
]
StorageClass = Annotated[
    str,
    Kind(
        what="the name of a storage class",
        allowed="lower-case letters, digits, dots and dashes",
        pattern=r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?",
    ),
]
Context = Annotated[
    str,
    Kind(
        what="the name of a context of a kubeconfig",
        allowed="one word; `kubectl config get-contexts` lists them",
        pattern=r"[!-~]+",
        longest=253,
    ),
]
Version = Annotated[
    str, Kind(what="a Kubernetes version", allowed='a minor in quotes, for example "1.36"', pattern=r"1\.[0-9]{2}")
]
Cpu = Annotated[
    str, Kind(what="an amount of CPU", allowed='cores in quotes ("2") or thousandths (500m)', pattern=r"[1-9][0-9]*m?")
]
Memory = Annotated[
    str, Kind(what="an amount of memory", allowed="mebibytes (512Mi) or gibibytes (2Gi)", pattern=r"[1-9][0-9]*(Mi|Gi)")
]
ReleaseName = Annotated[
    str,
    Kind(
        what="the name of a release",
        allowed="lower-case letters, digits and dashes, up to 40, a letter first",
        pattern=r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
    ),
]
"""With `-canary` behind it a release's name is a Service's, which has at most 63 characters, and part of its pods' names."""
ManifestDigest = Annotated[
    str,
    Kind(
        what="the digest of a model's manifest",
        allowed="sha256: and 64 digits of base 16, as `modelyard release pin` writes it",
        pattern=r"sha256:[0-9a-f]{64}",
    ),
]
MigProfile = Annotated[
    str,
    Kind(
        what="a MIG profile",
        allowed="for example 1g.10gb",
        pattern=r"([1-9]g\.[0-9]{1,3}gb(\+[a-z.]+)?)?",
    ),
]
