"""The registry's artifacts: a private, encrypted, versioned bucket, and a role that reaches this bucket and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.iam import allow, document, trust_pods
from components.spec import Spec

ABANDONED_UPLOAD_DAYS = 7
"""Days after which the parts of an upload that nobody finished go."""


class RegistryArtifactsSpec(Spec):
    """How the bucket of artifacts is kept."""

    expire_old_versions_days: int = Field(default=30, ge=1, le=3650)
    """Days that an overwritten or deleted artifact can still be brought back."""
    deletion_protection: bool = False
    """Whether Pulumi refuses to delete the bucket and its key; without it a destroy deletes all that the bucket holds."""


@dataclass(frozen=True, kw_only=True)
class RegistryArtifactsArgs:
    """What the bucket and the role are made from; the role is given to one service account of the cluster."""

    spec: RegistryArtifactsSpec
    name: str
    region: str
    account_id: str
    cluster_name: pulumi.Input[str]
    namespace: str
    service_account: str


@pulumi.type_token("modelyard:index:RegistryArtifacts")
class RegistryArtifacts(pulumi.ComponentResource):
    """A bucket that is reached over TLS by one service account, whose every version can be brought back for a while."""

    bucket: str
    access: list[pulumi.Resource]
    """What must be there before a pod of the service account starts: Pod Identity is given to new pods only."""

    def __init__(self, name: str, args: RegistryArtifactsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:RegistryArtifacts", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        # Bucket names are the whole world's: the account's number makes it ours.
        self.bucket = f"{args.name}-registry-{args.account_id}"
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.spec.deletion_protection)
        key = aws.kms.Key(
            "registry-artifacts-key",
            description=f"Artifacts of the registry of {args.name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=kept,
        )
        aws.kms.Alias(
            "registry-artifacts", name=f"alias/{args.name}-registry-artifacts", target_key_id=key.key_id, opts=child
        )
        # S3 deletes no bucket that holds anything, and a destroy would stop half way.
        empties = not args.spec.deletion_protection
        bucket = aws.s3.Bucket("registry-artifacts", bucket=self.bucket, force_destroy=empties, opts=kept)
        ready = self._kept_private(bucket, key)
        self.access = [*ready, *self._role(key)]
        self.register_outputs({})

    def _kept_private(self, bucket: aws.s3.Bucket, key: aws.kms.Key) -> list[pulumi.Resource]:
        child = pulumi.ResourceOptions(parent=self)
        versioning = aws.s3.BucketVersioning(
            "registry-artifacts",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        closed = aws.s3.BucketPublicAccessBlock(
            "registry-artifacts",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        return [
            versioning,
            closed,
            aws.s3.BucketOwnershipControls(
                "registry-artifacts",
                bucket=bucket.bucket,
                rule={"object_ownership": "BucketOwnerEnforced"},
                opts=child,
            ),
            aws.s3.BucketServerSideEncryptionConfiguration(
                "registry-artifacts",
                bucket=bucket.bucket,
                rules=[
                    {
                        "apply_server_side_encryption_by_default": {
                            "sse_algorithm": "aws:kms",
                            "kms_master_key_id": key.arn,
                        },
                        "bucket_key_enabled": True,
                    }
                ],
                opts=child,
            ),
            aws.s3.BucketLifecycleConfiguration(
                "registry-artifacts",
                bucket=bucket.bucket,
                rules=[
                    {
                        "id": "old-versions",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "noncurrent_version_expiration": {"noncurrent_days": self._args.spec.expire_old_versions_days},
                        "abort_incomplete_multipart_upload": {"days_after_initiation": ABANDONED_UPLOAD_DAYS},
                    }
                ],
                # AWS takes rules on old versions of a bucket that has no versions, and they do nothing.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
            ),
            aws.s3.BucketPolicy(
                "registry-artifacts",
                bucket=bucket.bucket,
                policy=tls_only(self.bucket),
                # Two changes of a bucket's access at once are refused as a conflict.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
            ),
        ]

    def _role(self, key: aws.kms.Key) -> list[pulumi.Resource]:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role("registry", name=f"{args.name}-registry", assume_role_policy=trust_pods(), opts=child)
        policy = aws.iam.RolePolicy(
            "registry",
            role=role.name,
            policy=key.arn.apply(lambda arn: document(server_statements(self.bucket, arn, args.region))),
            opts=child,
        )
        association = aws.eks.PodIdentityAssociation(
            "registry",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        return [policy, association]


def server_statements(bucket: str, key_arn: str, region: str) -> list[dict[str, object]]:
    """What the server may do in AWS: list its bucket, read, write and delete in it, and use its key for that alone."""
    arn = f"arn:aws:s3:::{bucket}"
    return [
        allow("ListArtifacts", ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [arn]),
        allow(
            "KeepArtifacts",
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            [f"{arn}/*"],
        ),
        allow(
            "UseTheirKey",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key_arn],
            {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        ),
    ]


def tls_only(bucket: str) -> str:
    """A bucket policy that refuses every request in clear."""
    arn = f"arn:aws:s3:::{bucket}"
    return document(
        [
            {
                "Sid": "NothingInClear",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    )
