"""Names of secrets. Users sometimes write the secret itself there, so no refusal shows the value of such a field or of its
neighbours."""

from __future__ import annotations

from typing import Annotated

from components.kinds.kind import Kind

_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"
"""A secret's name in Secrets Manager."""
_REFERENCE = "config:NAME, env:MODELYARD_NAME, env:MLFLOW_NAME or awssm:ID#KEY"

SecretName = Annotated[
    str,
    Kind(
        what="the name of a secret in Secrets Manager",
        allowed="up to 512 of A-Z a-z 0-9 /_+=.@-",
        pattern=_NAME,
        secret=True,
    ),
]
SecretProperty = Annotated[
    str,
    Kind(
        what="the name of a secret in Secrets Manager",
        allowed="NAME, or NAME#KEY for one property of a secret that holds JSON",
        pattern=rf"{_NAME}(#[A-Za-z0-9_.-]+)?",
        secret=True,
    ),
]
SecretRef = Annotated[
    str,
    Kind(
        what="the name of a secret",
        allowed=_REFERENCE,
        pattern=r"(config|awssm):[^#\s]+(#[^#\s]+)?|env:(MODELYARD|MLFLOW)_[A-Za-z0-9_]+",
        secret=True,
    ),
]
"""A secret's name: `config:NAME` (of the stack's configuration), `env:MODELYARD_NAME` or `awssm:ID#KEY` (AWS Secrets Manager)."""
