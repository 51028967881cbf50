"""Which product of the AWS Price List each key of the book is; a refresh reads only the keys in this file.

Service codes, families and usage types as infracost's resource files and AWS's own bills name them (read 2026-11-24). Not
here: extended support of EKS, whose key holds the total of two rates, and what only some databases, keys and volumes pay
for (CPU credits, extended support and io1 of RDS, asymmetric requests of KMS, provisioned speed of EBS).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pricing.book.price_list import GB, GB_MONTH, HOUR, REQUEST, THING, VCPU_HOUR, Wanted


class Service(StrEnum):
    """What can be read by itself."""

    EC2 = "ec2"
    SPOT = "spot"
    EBS = "ebs"
    CREDITS = "credits"
    EKS = "eks"
    VPC = "vpc"
    TRANSFER = "transfer"
    RDS = "rds"
    S3 = "s3"
    KMS = "kms"
    SECRETS = "secrets"
    PARAMETERS = "parameters"
    LOGS = "logs"
    SQS = "sqs"


def _of(
    key: str, service: str, family: str, counts: str, usage: str = "", times: int = 1, region: str = "", **more: str
) -> Wanted:
    named = {"region_field": region} if region else {}
    return Wanted(
        key=key, service=service, family=family, counts=counts, usage=usage, times=times, attributes=more, **named
    )


_EC2, _VPC, _RDS, _LOGS = "AmazonEC2", "AmazonVPC", "AmazonRDS", "AmazonCloudWatch"
_SSM = "AWSSystemsManager"
_TRANSFER, _FROM = "AWSDataTransfer", "fromRegionCode"
_RDS_STORAGE = "rds-postgresql/gp3-storage"
SERVICES: Mapping[Service, tuple[Wanted, ...]] = {
    Service.EBS: (
        _of("ebs/gp3-storage", _EC2, "Storage", GB_MONTH, r"EBS:VolumeUsage\.gp3", volumeApiName="gp3"),
        _of("ebs/gp2-storage", _EC2, "Storage", GB_MONTH, r"EBS:VolumeUsage\.gp2", volumeApiName="gp2"),
    ),
    Service.CREDITS: tuple(
        _of(f"cpu-credits/{family}", _EC2, "CPU Credits", VCPU_HOUR, f"CPUCredits:{family}", operatingSystem="Linux")
        for family in ("t3", "t3a", "t4g")
    ),
    Service.EKS: (_of("eks/control-plane", "AmazonEKS", "Compute", HOUR, "AmazonEKS-Hours:perCluster"),),
    Service.VPC: (
        _of("nat-gateway/hour", _EC2, "NAT Gateway", HOUR, "NatGateway-Hours"),
        _of("nat-gateway/data", _EC2, "NAT Gateway", GB, "NatGateway-Bytes"),
        _of("privatelink/interface-endpoint", _VPC, "VpcEndpoint", HOUR, "VpcEndpoint-Hours"),
        _of("privatelink/interface-endpoint-data", _VPC, "VpcEndpoint", GB, "VpcEndpoint-Bytes"),
        _of("vpc/public-ipv4", _VPC, "VPC Public IPv4 Address", HOUR, "PublicIPv4:InUseAddress"),
    ),
    Service.TRANSFER: (
        _of(
            "data-transfer/between-zones",
            _TRANSFER,
            "Data Transfer",
            GB,
            "DataTransfer-Regional-Bytes",
            region=_FROM,
            transferType="IntraRegion",
        ),
        _of(
            "data-transfer/internet",
            _TRANSFER,
            "Data Transfer",
            GB,
            "DataTransfer-Out-Bytes",
            region=_FROM,
            transferType="AWS Outbound",
        ),
    ),
    Service.RDS: (
        _of(f"{_RDS_STORAGE}-single-az", _RDS, "Database Storage", GB_MONTH, "RDS:GP3-Storage"),
        _of(f"{_RDS_STORAGE}-multi-az", _RDS, "Database Storage", GB_MONTH, "RDS:Multi-AZ-GP3-Storage"),
        _of(
            "rds-postgresql/backup-storage-beyond-the-free-allocation",
            _RDS,
            "Storage Snapshot",
            GB_MONTH,
            "RDS:ChargedBackupUsage",
        ),
    ),
    Service.S3: (
        _of("s3-standard/storage", "AmazonS3", "Storage", GB_MONTH, "TimedStorage-ByteHrs", volumeType="Standard"),
        _of("s3-standard/writes", "AmazonS3", "API Request", REQUEST, "Requests-Tier1", times=1000),
    ),
    Service.KMS: (
        _of("kms/key", "awskms", "Encryption Key", THING, "KMS-Keys"),
        _of("kms/requests", "awskms", "API Request", REQUEST, "KMS-Requests", times=10_000),
    ),
    Service.PARAMETERS: (
        _of("ssm/advanced-parameter", _SSM, "AWS Systems Manager", HOUR, "PS-Advanced-Param-Tier1", times=730),
        _of("ssm/advanced-parameter-calls", _SSM, "API Request", REQUEST, "PS-Param-Processed-Tier2", times=10_000),
    ),
    Service.SECRETS: (
        _of("secrets-manager/secret", "AWSSecretsManager", "Secret", THING),
        _of("secrets-manager/calls", "AWSSecretsManager", "API Request", REQUEST, times=10_000),
    ),
    Service.LOGS: (
        _of("cloudwatch-logs/ingestion", _LOGS, "Data Payload", GB, "DataProcessing-Bytes"),
        _of("cloudwatch-logs/storage", _LOGS, "Storage Snapshot", GB_MONTH, "TimedStorage-ByteHrs"),
    ),
    Service.SQS: (
        _of("sqs/standard-requests", "AWSQueueService", "API Request", REQUEST, times=1_000_000, queueType="Standard"),
        _of(
            "sqs/fifo-requests",
            "AWSQueueService",
            "API Request",
            REQUEST,
            times=1_000_000,
            queueType="FIFO (first-in, first-out)",
        ),
    ),
}
"""The keys of each service; the instances of EC2 and of RDS are lists of their own."""


def databases(key: str) -> Wanted | None:
    """The product of a key like `rds-postgresql/db.m7g.large/multi-az`; None for any other key."""
    parts = key.split("/")
    if len(parts) != 3 or parts[0] != "rds-postgresql":
        return None
    zones = {"single-az": "Single-AZ", "multi-az": "Multi-AZ"}[parts[2]]
    more = {"databaseEngine": "PostgreSQL", "instanceType": parts[1], "deploymentOption": zones}
    return Wanted(key=key, service=_RDS, family="Database Instance", counts=HOUR, attributes=more)
