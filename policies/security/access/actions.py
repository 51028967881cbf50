"""Which actions a policy may allow, and on what: the services that the platform's roles call, and what is dangerous in each.

Names and access levels are those of the Service Authorization Reference, as parliament 1.6.4 ships it; tests hold the tables
against that copy. An action of a service that is not here is refused: nobody has said what it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Service:
    """What is known of one service; names of actions in lower case, as they are compared."""

    never: frozenset[str] = frozenset()
    """Actions that hand out access, or run code as somebody else: no role of a platform needs them."""
    only: frozenset[str] | None = None
    """The only actions, beside reads, that may be allowed; None when all but `never` may."""
    data: bool = True
    """Whether its reads return what somebody stored, so that they need a named resource."""
    conditioned: Mapping[str, str] = field(default_factory=dict)
    """Action -> the condition key, in lower case, without which it reaches too far; `tags` for a tag with a fixed value."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


READS = ("batchget", "describe", "get", "list")
"""What the names of actions that only read begin with; a wildcard may stand behind one of these."""
LISTS = ("describe", "list")
"""What the names of actions begin with that tell what there is, and not what it holds."""
FREE = _names("sts:GetCallerIdentity")
"""Actions that need no resource, and tell the caller only who it is."""
TAGS = "tags"

SERVICES: Mapping[str, Service] = {
    "autoscaling": Service(data=False, never=_names("CreateLaunchConfiguration")),
    "cloudwatch": Service(data=False),
    "ec2": Service(
        data=False,
        never=_names(
            """AssociateIamInstanceProfile ReplaceIamInstanceProfileAssociation AuthorizeSecurityGroupIngress GetPasswordData
            ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyInstanceMetadataDefaults ModifyImageAttribute
            ModifySnapshotAttribute ResetSnapshotAttribute CreateNetworkInterfacePermission DeleteNetworkInterfacePermission
            ModifyVpcEndpointServicePermissions ModifySecurityGroupRules CreateVpcPeeringConnection AcceptVpcPeeringConnection
            GetConsoleOutput GetConsoleScreenshot DisableEbsEncryptionByDefault"""
        ),
        conditioned={"createtags": TAGS},
    ),
    "ecr": Service(
        data=False, never=_names("DeleteRegistryPolicy DeleteRepositoryPolicy PutRegistryPolicy SetRepositoryPolicy")
    ),
    "eks": Service(
        data=False,
        never=_names(
            """CreateAccessEntry UpdateAccessEntry DeleteAccessEntry AssociateAccessPolicy DisassociateAccessPolicy
            CreatePodIdentityAssociation UpdatePodIdentityAssociation AssociateIdentityProviderConfig UpdateClusterConfig"""
        ),
    ),
    "iam": Service(
        data=False,
        only=_names(
            """AttachRolePolicy DetachRolePolicy PassRole CreateInstanceProfile TagInstanceProfile DeleteInstanceProfile
            AddRoleToInstanceProfile RemoveRoleFromInstanceProfile"""
        ),
        conditioned={
            "attachrolepolicy": "iam:policyarn",
            "detachrolepolicy": "iam:policyarn",
            "passrole": "iam:passedtoservice",
            "createinstanceprofile": TAGS,
            "taginstanceprofile": TAGS,
            "deleteinstanceprofile": TAGS,
            "addroletoinstanceprofile": TAGS,
            "removerolefrominstanceprofile": TAGS,
        },
    ),
    "kms": Service(
        never=_names("CreateGrant RetireGrant RevokeGrant PutKeyPolicy ScheduleKeyDeletion DisableKey ReplicateKey")
    ),
    "logs": Service(
        never=_names(
            "DeleteResourcePolicy PutResourcePolicy PutSubscriptionFilter PutDestination PutDestinationPolicy DisassociateKmsKey"
        )
    ),
    "pricing": Service(data=False),
    "rds": Service(
        data=False,
        never=_names(
            "ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute AddRoleToDBInstance AuthorizeDBSecurityGroupIngress"
        ),
    ),
    "s3": Service(
        never=_names(
            """BypassGovernanceRetention DeleteAccessPointPolicy DeleteAccessPointPolicyForObjectLambda DeleteBucketPolicy
            ObjectOwnerOverrideToBucketOwner PutAccessPointPolicy PutAccessPointPolicyForObjectLambda
            PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutBucketAcl PutBucketOwnershipControls PutBucketPolicy
            PutBucketPublicAccessBlock PutMultiRegionAccessPointPolicy PutObjectAcl PutObjectVersionAcl PutBucketNotification
            PutReplicationConfiguration PutEncryptionConfiguration PutBucketVersioning PutLifecycleConfiguration"""
        )
    ),
    "secretsmanager": Service(never=_names("DeleteResourcePolicy PutResourcePolicy ValidateResourcePolicy")),
    "sns": Service(never=_names("AddPermission RemovePermission SetTopicAttributes")),
    "sqs": Service(never=_names("AddPermission RemovePermission SetQueueAttributes")),
    "ssm": Service(
        never=_names(
            """DeleteResourcePolicy ModifyDocumentPermission PutResourcePolicy SendCommand StartSession ResumeSession
            StartAutomationExecution StartChangeRequestExecution CreateAssociation CreateAssociationBatch UpdateAssociation
            CreateDocument UpdateDocument UpdateDocumentDefaultVersion CreateActivation UpdateManagedInstanceRole
            RegisterTaskWithMaintenanceWindow UpdateMaintenanceWindowTask"""
        )
    ),
    "sts": Service(
        never=_names("GetFederationToken GetSessionToken"), only=_names("AssumeRole TagSession SetSourceIdentity")
    ),
}
"""Prefix of a service -> what is known of it."""

MANAGED = frozenset(
    f"arn:aws:iam::aws:policy/{name}"
    for name in (
        "AmazonEBSCSIDriverPolicyV2",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonSSMManagedInstanceCore",
    )
)
"""AWS's own policies that a role may hold: those that the control plane, its add-ons and its nodes need."""
