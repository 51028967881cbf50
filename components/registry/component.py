"""The model registry as one block of the stack file: MLflow on the cluster, its database, its artifacts, and what it holds."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from pydantic import Field, model_validator

from components.registry.artifacts import RegistryArtifactsSpec
from components.registry.content.spec import RegistryContentSpec
from components.registry.database import RegistryDatabaseSpec
from components.registry.outside import Exposure, RegistryOutsideSpec
from components.registry.server import RegistryServerSpec
from components.spec import Invalid
from core.problem import Problem


class Keeping(enum.StrEnum):
    """Where a registry keeps what it is given: in RDS and S3, or on one volume of the cluster."""

    AWS = "aws"
    VOLUME = "volume"


class RegistrySpec(RegistryContentSpec):
    """An MLflow tracking server and model registry, its database, its artifacts, and what it holds."""

    keeping: Keeping = Keeping.AWS
    """`aws`: PostgreSQL in RDS and a bucket in S3. `volume`: sqlite and files on one volume, with one server and no AWS."""
    server: RegistryServerSpec = Field(default_factory=RegistryServerSpec)
    """The servers on the cluster."""
    database: RegistryDatabaseSpec = Field(default_factory=RegistryDatabaseSpec)
    """Where runs, models and users are kept; only with `keeping: aws`."""
    artifacts: RegistryArtifactsSpec = Field(default_factory=RegistryArtifactsSpec)
    """Where files of runs and models are kept; only with `keeping: aws`."""
    volume_gb: int = Field(default=20, ge=1, le=16_384)
    """Size of the volume (GiB); only with `keeping: volume`."""
    exposure: Exposure = Exposure.NONE
    """`none`: only pods reach it. `internal`: private networks do too, over TLS, through a load balancer in AWS."""
    outside: RegistryOutsideSpec | None = None
    """With `exposure: internal`: the name, the certificate and the networks that may come."""

    def needs_aws(self) -> Iterator[Problem]:
        """A database in RDS, a bucket in S3 and a load balancer are in AWS; a volume is not."""
        if self.exposure is Exposure.INTERNAL:
            yield Problem(
                summary="the load balancer before the registry is one of AWS",
                where="exposure",
                found=self.exposure.value,
                allowed=Exposure.NONE.value,
                fix="take it out; `kubectl port-forward -n modelyard-registry service/registry 5000` reaches the registry",
            )
        if self.keeping is Keeping.AWS:
            yield Problem(
                summary="the registry's database and artifacts are in AWS",
                where="keeping",
                found=self.keeping.value,
                allowed=Keeping.VOLUME.value,
                fix="say keeping: volume, or take the registry out",
            )

    @model_validator(mode="after")
    def _outside_as_exposed(self) -> RegistrySpec:
        if self.exposure is Exposure.INTERNAL and self.outside is None:
            raise Invalid(
                "passwords travel to a registry that is reached from outside: it takes TLS and a list of who may come",
                where="outside",
                found="nothing",
                allowed="host, certificateArn and allowedCidrs",
                fix="name them, or say exposure: none",
            )
        if self.exposure is Exposure.NONE and self.outside is not None:
            raise Invalid(
                "nobody outside reaches this registry, whatever stands here",
                where="outside",
                found=self.outside.host,
                allowed="nothing with exposure: none",
                fix="say exposure: internal, or take it out",
            )
        return self

    @model_validator(mode="after")
    def _one_server_on_a_volume(self) -> RegistrySpec:
        if self.keeping is Keeping.VOLUME and self.server.replicas.max > 1:
            raise Invalid(
                "sqlite on a volume takes one server",
                where="server.replicas.max",
                found=str(self.server.replicas.max),
                allowed="1 with keeping: volume",
                fix="write server: { replicas: { min: 1, max: 1 } }, or keeping: aws",
            )
        return self
