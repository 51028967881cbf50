"""The outputs of a Modelyard platform as typed values: import `PlatformOutputs`, nothing else is public."""

from modelyard_contract.outputs import (
    CONTRACT_VERSION,
    AwsOutputs,
    ClusterOutputs,
    ContractError,
    GpuPoolOutputs,
    NetworkOutputs,
    PlatformOutputs,
    RegistryOutputs,
    ReleaseOutputs,
    Toleration,
)

__all__ = [
    "CONTRACT_VERSION",
    "AwsOutputs",
    "ClusterOutputs",
    "ContractError",
    "GpuPoolOutputs",
    "NetworkOutputs",
    "PlatformOutputs",
    "RegistryOutputs",
    "ReleaseOutputs",
    "Toleration",
]
