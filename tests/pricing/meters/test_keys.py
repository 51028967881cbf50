"""Keys with their rotations, replicas of secrets, parameters by their length, and flow logs by where they go."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.items.graph import UNKNOWN
from tests.pricing.bills import Resource, amounts, why

KEY, SECRET, PARAMETER = "aws:kms/key:Key", "aws:secretsmanager/secret:Secret", "aws:ssm/parameter:Parameter"
FLOW, GROUP = "aws:ec2/flowLog:FlowLog", "aws:cloudwatch/logGroup:LogGroup"
TIERED = {"tier": "Intelligent-Tiering"}

CASES: dict[str, tuple[list[Resource], tuple[str, str, str]]] = {
    # 1 + 10 x 0.03, at most 30 x 0.03
    "a key": ([(KEY, {})], ("1.00", "1.30", "1.90")),
    # + 2 x 1 for the first two rotations
    "a key that rotates": ([(KEY, {"enableKeyRotation": True})], ("1.00", "1.30", "3.90")),
    "a key that may rotate": ([(KEY, {"enableKeyRotation": UNKNOWN})], ("1.00", "1.30", "3.90")),
    "a key that does not": ([(KEY, {"enableKeyRotation": False})], ("1.00", "1.30", "1.90")),
    # 1 + 10 x 0.15
    "an asymmetric key": ([(KEY, {"customerMasterKeySpec": "ECC_NIST_P256"})], ("1.00", "2.50", "5.50")),
    "an asymmetric key of the cheap kind": ([(KEY, {"customerMasterKeySpec": "RSA_2048"})], ("1.00", "1.30", "1.90")),
    "a multi-Region key, which is one key": ([(KEY, {"multiRegion": True})], ("1.00", "1.30", "1.90")),
    "a secret": ([(SECRET, {})], ("0.40", "0.45", "0.55")),
    # + 2 x 0.40
    "a secret with two replicas": (
        [(SECRET, {"replicas": [{"region": "eu-west-1"}, {"region": UNKNOWN}]})],
        ("1.20", "1.25", "1.35"),
    ),
    "a standard parameter": ([(PARAMETER, {"tier": "Standard", "value": UNKNOWN})], ("0.00", "0.00", "0.00")),
    "a short parameter of the account's tier": ([(PARAMETER, {"value": "x" * 4096})], ("0.00", "0.00", "0.00")),
    "a long parameter of the account's tier": ([(PARAMETER, {"value": "x" * 4097})], ("0.05", "0.10", "0.20")),
    "a parameter of 4096 bytes": ([(PARAMETER, {**TIERED, "insecureValue": "x" * 4096})], ("0.00", "0.00", "0.00")),
    # 0.05 + 1 x 0.05, at most 3 x 0.05
    "a parameter of 4097 bytes in the clear": (
        [(PARAMETER, {**TIERED, "insecureValue": "x" * 4097})],
        ("0.05", "0.10", "0.20"),
    ),
    "a parameter whose bytes are more than its letters": (
        [(PARAMETER, {**TIERED, "value": "ä" * 2049})],
        ("0.05", "0.10", "0.20"),
    ),
    "a parameter of unknown length": ([(PARAMETER, {**TIERED, "insecureValue": UNKNOWN})], ("0.00", "0.00", "0.20")),
    "a parameter that is set later": ([(PARAMETER, {**TIERED, "valueWoVersion": 1})], ("0.00", "0.00", "0.20")),
    "an advanced parameter": ([(PARAMETER, {"tier": "Advanced"})], ("0.05", "0.10", "0.20")),
    # the group: 10 x 0.50 + 10 x 0.03
    "a flow log to a group of the stack": (
        [(GROUP, {"name": "flow", "retentionInDays": 30}), (FLOW, {"logDestination": UNKNOWN})],
        ("0.00", "5.30", "15.90"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_costs_what_its_arithmetic_says(case: str) -> None:
    resources, expected = CASES[case]
    assert amounts(*resources) == expected


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ((KEY, {"customerMasterKeySpec": "HMAC_256"}), "no price of requests"),
        ((KEY, {"customerMasterKeySpec": UNKNOWN}), "the spec of the key"),
        ((KEY, {"customKeyStoreId": "cks-1"}), "customKeyStoreId"),
        ((SECRET, {"replicas": UNKNOWN}), "how many replicas"),
        ((PARAMETER, {"tier": UNKNOWN}), "the tier"),
        ((FLOW, {"logDestinationType": "s3", "logDestination": "arn:aws:s3:::x"}), "vended-delivery-to-s3"),
        ((FLOW, {"logDestinationType": "kinesis-data-firehose"}), "only flow logs that go to"),
        ((FLOW, {"logDestinationType": UNKNOWN}), "only flow logs that go to"),
        ((FLOW, {"logDestination": "arn:aws:logs:us-east-1:123456789012:log-group:theirs:*"}), "is not declared here"),
        ((FLOW, {"destinationOptions": {"fileFormat": "parquet"}}), "destinationOptions.fileFormat"),
    ],
)
def test_what_has_no_price_says_so(resource: Resource, said: str) -> None:
    assert said in why(resource)


def test_a_flow_log_finds_its_group_by_name_where_it_does_not_depend_on_it() -> None:
    group: dict[str, Any] = {"name": "flow", "retentionInDays": 30}
    target = "arn:aws:logs:us-east-1:123456789012:log-group:{}:*"
    assert amounts((FLOW, {"logDestination": target.format("flow")}), (GROUP, group)) == ("0.00", "5.30", "15.90")
    assert "is not declared here" in why((FLOW, {"logDestination": target.format("overflow")}), (GROUP, group))
