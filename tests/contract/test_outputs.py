"""The contract with app teams: strict when written, lenient when read, versioned."""

from __future__ import annotations

from typing import Any

import modelyard_contract
import pytest
from modelyard_contract import CONTRACT_VERSION, ContractError, PlatformOutputs
from pydantic import ValidationError

from infra.outputs import Written

HAPPY: dict[str, Any] = {
    "contractVersion": CONTRACT_VERSION,
    "environment": "dev",
    "owner": "ml-platform",
    "region": "us-east-1",
    "accountId": "000000000000",
    "network": {"vpcId": "vpc-0abc", "privateSubnetIds": ["subnet-1", "subnet-2"]},
    "cluster": {
        "name": "modelyard-dev",
        "arn": "arn:aws:eks:us-east-1:000000000000:cluster/modelyard-dev",
        "endpoint": "https://example.invalid",
        "certificateAuthority": "Zm9v",
        "securityGroupId": "sg-1",
        "version": "1.36",
    },
    "namespaces": ["modelyard-serving"],
    "storageClass": "gp3",
    "gpuPools": {
        "chat": {
            "nodeSelector": {"modelyard.dev/pool": "chat"},
            "tolerations": [{"key": "nvidia.com/gpu"}],
            "maxGpus": 4,
            "gpuMemoryMib": 22888,
        }
    },
}


def test_outputs_survive_the_round_trip() -> None:
    read = PlatformOutputs.read(HAPPY)
    assert PlatformOutputs.read(read.to_outputs()) == read


def test_a_key_of_a_newer_platform_is_ignored_by_a_reader_and_refused_by_the_writer() -> None:
    newer = {**HAPPY, "somethingNew": 1}
    assert PlatformOutputs.read(newer) == PlatformOutputs.read(HAPPY)
    with pytest.raises(ValidationError, match="somethingNew"):
        Written.model_validate(newer)


def test_the_current_version_is_read_and_the_next_is_refused_with_what_to_do() -> None:
    assert PlatformOutputs.read(HAPPY).contract_version == CONTRACT_VERSION
    with pytest.raises(ContractError, match="upgrade modelyard-contract"):
        PlatformOutputs.read({**HAPPY, "contractVersion": CONTRACT_VERSION + 1})
    with pytest.raises(ContractError, match="name a Modelyard stack"):
        PlatformOutputs.read({})


@pytest.mark.parametrize("key", sorted(set(HAPPY) - {"contractVersion", "namespaces", "gpuPools"}))
def test_a_missing_promise_is_refused_by_name(key: str) -> None:
    with pytest.raises(ContractError, match=key):
        PlatformOutputs.read({name: value for name, value in HAPPY.items() if name != key})


def test_the_public_surface_is_what_it_says() -> None:
    assert sorted(modelyard_contract.__all__) == [
        "CONTRACT_VERSION",
        "ClusterOutputs",
        "ContractError",
        "GpuPoolOutputs",
        "NetworkOutputs",
        "PlatformOutputs",
        "Toleration",
    ]
