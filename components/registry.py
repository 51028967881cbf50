"""The model registry as one block of the stack file: MLflow on the cluster, its database, its artifacts, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from components.registry_artifacts import RegistryArtifactsSpec
from components.registry_database import RegistryDatabaseSpec
from components.spec import Spec
from problem import Problem

NAMESPACE = "modelyard-registry"
SERVICE_ACCOUNT = "registry"


class RegistrySpec(Spec):
    """An MLflow tracking server and model registry, its database and its artifacts."""

    database: RegistryDatabaseSpec = Field(default_factory=RegistryDatabaseSpec)
    """Where runs, models and users are kept."""
    artifacts: RegistryArtifactsSpec = Field(default_factory=RegistryArtifactsSpec)
    """Where files of runs and models are kept."""

    def needs_aws(self) -> Iterator[Problem]:
        """Database and artifacts are in AWS."""
        yield Problem(summary="the registry's database and artifacts are in AWS", fix="take the registry out")
