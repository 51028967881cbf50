"""The contract with app teams: strict when written, lenient when read, versioned."""

from __future__ import annotations

from typing import Any

import modelyard_contract
import pytest
from modelyard_contract import CONTRACT_VERSION, ContractError, PlatformOutputs
from pydantic import ValidationError

from infra.outputs import Written

HAPPY: dict[str, Any] = {
    "contractVersion": 1,
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
    "releases": {
        "chat": {
            "url": "http://models.modelyard-gateway.svc/chat/v1",
            "model": "assistant",
            "version": 7,
            "contextTokens": 8192,
        }
    },
}


OUTSIDE: dict[str, Any] = {
    "contractVersion": 2,
    "environment": "local",
    "owner": "ml-platform",
    "namespaces": ["modelyard-serving"],
    "storageClass": "standard",
    "gpuPools": {},
    "releases": {},
}


@pytest.mark.parametrize("document", [HAPPY, OUTSIDE], ids=["on AWS", "outside AWS"])
def test_outputs_survive_the_round_trip(document: dict[str, Any]) -> None:
    read = PlatformOutputs.read(document)
    assert PlatformOutputs.read(read.to_outputs()) == read
    assert set(read.to_outputs()) == set(document)


def test_outside_aws_there_is_nothing_of_aws_and_who_needs_it_is_told() -> None:
    read = PlatformOutputs.read(OUTSIDE)
    assert (read.region, read.account_id, read.network, read.cluster) == (None, None, None, None)
    with pytest.raises(ContractError, match="local is not in AWS"):
        read.on_aws()


def test_on_aws_a_reader_gets_all_of_it_as_one() -> None:
    read = PlatformOutputs.read(HAPPY)
    assert read.on_aws().model_dump(by_alias=True) == {
        key: HAPPY[key] for key in ("region", "accountId", "network", "cluster")
    }


@pytest.mark.parametrize("key", ["region", "accountId", "network", "cluster"])
def test_what_version_1_promises_may_be_absent_in_version_2_only(key: str) -> None:
    without = {name: value for name, value in HAPPY.items() if name != key}
    assert PlatformOutputs.read({**without, "contractVersion": 2}).environment == "dev"
    with pytest.raises(ContractError, match=key):
        PlatformOutputs.read(without)
    with pytest.raises(ContractError, match="is not in AWS"):
        PlatformOutputs.read({**without, "contractVersion": 2}).on_aws()


def test_a_key_of_a_newer_platform_is_ignored_by_a_reader_and_refused_by_the_writer() -> None:
    newer = {**HAPPY, "somethingNew": 1}
    assert PlatformOutputs.read(newer) == PlatformOutputs.read(HAPPY)
    with pytest.raises(ValidationError, match="somethingNew"):
        Written.model_validate(newer)


def test_the_current_version_is_read_and_the_next_is_refused_with_what_to_do() -> None:
    assert PlatformOutputs.read(OUTSIDE).contract_version == CONTRACT_VERSION
    with pytest.raises(ContractError, match="upgrade modelyard-contract"):
        PlatformOutputs.read({**HAPPY, "contractVersion": CONTRACT_VERSION + 1})
    with pytest.raises(ContractError, match="name a Modelyard stack"):
        PlatformOutputs.read({})


@pytest.mark.parametrize("key", sorted(set(HAPPY) - {"contractVersion", "namespaces", "gpuPools", "releases"}))
def test_a_missing_promise_is_refused_by_name(key: str) -> None:
    with pytest.raises(ContractError, match=key):
        PlatformOutputs.read({name: value for name, value in HAPPY.items() if name != key})


def test_the_public_surface_is_what_it_says() -> None:
    assert sorted(modelyard_contract.__all__) == [
        "AwsOutputs",
        "CONTRACT_VERSION",
        "ClusterOutputs",
        "ContractError",
        "GpuPoolOutputs",
        "NetworkOutputs",
        "PlatformOutputs",
        "RegistryOutputs",
        "ReleaseOutputs",
        "Toleration",
    ]
