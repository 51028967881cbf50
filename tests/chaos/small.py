"""A platform in miniature for the short form: a network, a role, queues, one of which needs another."""

from __future__ import annotations

import json
import os

import pulumi_aws as aws
from pulumi import ResourceOptions


def program() -> None:
    """Ten resources in four layers."""
    owner = os.environ.get("CHAOS_OWNER", "one")
    opts = ResourceOptions(provider=aws.Provider("aws", region=aws.Region.US_EAST1))
    tags = {"Owner": owner}
    vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", tags=tags, opts=opts)
    for number in range(3):
        aws.ec2.Subnet(
            f"net-{number}", vpc_id=vpc.id, cidr_block=f"10.0.{number}.0/24", availability_zone="us-east-1a", opts=opts
        )
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.iam.Role(
        "nodes", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}), tags=tags, opts=opts
    )
    dead = aws.sqs.Queue("dead", name="dead", tags=tags, opts=opts)
    for number in range(3):
        aws.sqs.Queue(
            f"work-{number}",
            name=f"work-{number}",
            redrive_policy=dead.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})),
            opts=opts,
        )
