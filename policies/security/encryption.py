"""Rules on data at rest: disks, databases, queues, keys and buckets are encrypted, and logs are kept but not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.graph import UNKNOWN, Graph, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from pricing.items.tokens import NODE_CLASS

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
VOLUME = "aws:ebs/volume:Volume"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
PERSISTENT = "kubernetes:core/v1:PersistentVolume"
DISKS = (TEMPLATE, INSTANCE, VOLUME, NODE_CLASS, STORAGE_CLASS)
EBS_PROVISIONERS = ("ebs.csi.aws.com", "kubernetes.io/aws-ebs")
"""What makes EBS volumes, encrypted when the class says so: the CSI driver, and the name that it had inside Kubernetes."""
NOT_ON_DISKS = ("efs.csi.aws.com", "fsx.csi.aws.com", "s3.csi.aws.com", "kubernetes.io/no-provisioner")
"""Provisioners that make no disk; what they mount is encrypted, or not, as a resource of its own."""
CURRENT_VOLUMES = ("gp3", "io2")
BUCKET = "aws:s3/bucket:Bucket"
BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BUCKET_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
PUBLIC_SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
KEPT_FOR_EVER = 0
_SOURCES = frozenset(("awsElasticBlockStore", "csi", "flexVolume", "hostPath", "iscsi", "local", "nfs"))


def _disks(node: Node) -> Iterator[tuple[str, Any, str, str]]:
    """(path, disk, key of its encryption, key of its type) of each disk that a resource describes."""
    if node.type == TEMPLATE:
        for index, each in enumerate(items(node.read("blockDeviceMappings"))):
            disk = mapping(each).get("ebs") if each is not UNKNOWN else UNKNOWN
            if disk is not None:
                yield f"blockDeviceMappings[{index}].ebs", disk, "encrypted", "volumeType"
    elif node.type == NODE_CLASS:
        for index, each in enumerate(items(node.read("spec", "blockDeviceMappings"))):
            disk = mapping(each).get("ebs") if each is not UNKNOWN else UNKNOWN
            if disk is not None:
                yield f"spec.blockDeviceMappings[{index}].ebs", disk, "encrypted", "volumeType"
    elif node.type == INSTANCE:
        yield "rootBlockDevice", node.read("rootBlockDevice"), "encrypted", "volumeType"
        for index, disk in enumerate(items(node.read("ebsBlockDevices"))):
            yield f"ebsBlockDevices[{index}]", disk, "encrypted", "volumeType"
    elif node.type == VOLUME:
        yield "", node.inputs, "encrypted", "type"
    elif node.read("provisioner") in EBS_PROVISIONERS:
        yield "parameters", node.read("parameters"), "encrypted", "type"


def disks_encrypted(node: Node, _: Context) -> Iterator[Finding]:
    """A launch template that describes no disk leaves encryption to the image and the account's defaults."""
    mappings = "spec.blockDeviceMappings" if node.type == NODE_CLASS else "blockDeviceMappings"
    if node.read(*mappings.split(".")) is UNKNOWN:
        yield undetermined(mappings)
    elif node.type == TEMPLATE and not items(node.read("blockDeviceMappings")):
        yield refuse(
            "blockDeviceMappings",
            "nothing says that the root disk is encrypted",
            allowed="a mapping with encrypted true",
        )
    elif node.type == STORAGE_CLASS:
        yield from _provisioner_known(node)
    for path, disk, key, _type in _disks(node):
        where = f"{path}.{key}".lstrip(".")
        value = UNKNOWN if disk is UNKNOWN else mapping(disk).get(key)
        if value is UNKNOWN:
            yield undetermined(where)
        elif str(value).lower() != "true":
            yield refuse(where, "the disk is not encrypted", found=value, allowed="true")


def _provisioner_known(node: Node) -> Iterator[Finding]:
    provisioner = node.read("provisioner")
    if provisioner is UNKNOWN:
        yield undetermined("provisioner")
    elif provisioner not in (*EBS_PROVISIONERS, *NOT_ON_DISKS):
        yield refuse(
            "provisioner",
            "nobody here knows whether this provisioner encrypts its disks",
            found=provisioner,
            allowed=", ".join((*EBS_PROVISIONERS, *NOT_ON_DISKS)),
        )


def volumes_claimed(node: Node, _: Context) -> Iterator[Finding]:
    """A volume that is named by its id was made elsewhere, and nothing here says how."""
    if node.type.startswith(f"{PERSISTENT}Claim"):
        return
    spec = node.read("spec")
    driver = node.read("spec", "csi", "driver")
    if UNKNOWN in (spec, node.read("spec", "csi"), driver):
        yield undetermined("spec.csi.driver")
    elif driver not in NOT_ON_DISKS:
        yield refuse(
            "spec",
            "the volume was made elsewhere, and nothing here says that it is encrypted",
            found=driver if isinstance(driver, str) else ", ".join(sorted(mapping(spec).keys() & _SOURCES)),
            allowed=f"a claim of an encrypted StorageClass, or a volume of {', '.join(NOT_ON_DISKS[:3])}",
        )


def disks_current(node: Node, _: Context) -> Iterator[Finding]:
    """gp3 costs less than gp2 for more; magnetic types are of the past."""
    for path, disk, _encrypted, key in _disks(node):
        where = f"{path}.{key}".lstrip(".")
        value = UNKNOWN if disk is UNKNOWN else mapping(disk).get(key)
        if value is UNKNOWN:
            yield undetermined(where)
        elif value not in CURRENT_VOLUMES:
            yield refuse(
                where,
                "the disk's type is old or left to a default",
                found=value,
                allowed=" or ".join(CURRENT_VOLUMES),
            )


def database_encrypted(node: Node, _: Context) -> Iterator[Finding]:
    """RDS cannot encrypt a database later: it would be replaced."""
    encrypted, public = node.read("storageEncrypted"), node.read("publiclyAccessible")
    if encrypted is UNKNOWN:
        yield undetermined("storageEncrypted")
    elif encrypted is not True:
        yield refuse("storageEncrypted", "the database is not encrypted", found=encrypted, allowed="true")
    if public is UNKNOWN:
        yield undetermined("publiclyAccessible")
    elif public is True:
        yield refuse("publiclyAccessible", "the database has a public address", found=public, allowed="false")


def queue_encrypted(node: Node, _: Context) -> Iterator[Finding]:
    """Either the queue's own encryption or a KMS key."""
    managed, key = node.read("sqsManagedSseEnabled"), node.read("kmsMasterKeyId")
    if managed is True or (key is not None and key != ""):
        return
    if managed is UNKNOWN:
        yield undetermined("sqsManagedSseEnabled")
    else:
        yield refuse(
            "sqsManagedSseEnabled",
            "nothing says that the queue's messages are encrypted",
            found=managed,
            allowed="true, or a kmsMasterKeyId",
        )


def logs_retained(node: Node, _: Context) -> Iterator[Finding]:
    """CloudWatch keeps, and bills, logs without end unless told otherwise."""
    days = node.read("retentionInDays")
    if days is UNKNOWN:
        yield undetermined("retentionInDays")
    elif days is None or days == KEPT_FOR_EVER:
        yield refuse("retentionInDays", "the logs are kept for ever", found=days, allowed="a number of days")


def key_rotates(node: Node, _: Context) -> Iterator[Finding]:
    """Only symmetric keys can rotate by themselves."""
    if node.read("customerMasterKeySpec") not in (None, "SYMMETRIC_DEFAULT"):
        return
    rotates = node.read("enableKeyRotation")
    if rotates is UNKNOWN:
        yield undetermined("enableKeyRotation")
    elif rotates is not True:
        yield refuse("enableKeyRotation", "the key never rotates", found=rotates, allowed="true")


def bucket_not_public(node: Node, _: Context) -> Iterator[Finding]:
    """Each of the four switches closes a way of its own."""
    for switch in PUBLIC_SWITCHES:
        value = node.read(switch)
        if value is UNKNOWN:
            yield undetermined(switch)
        elif value is not True:
            yield refuse(switch, "the bucket can be made public", found=value, allowed="true")


def belongs(part: Node, bucket: Node, graph: Graph) -> bool:
    """Whether a companion is this bucket's: its `bucket` comes from it, or is its very name. What it waits for says nothing."""
    if sources := part.references.get("bucket", ()):
        buckets = [urn for urn in sources if (found := graph.get(urn)) is not None and found.type == BUCKET]
        if buckets:
            return buckets == [bucket.urn]
    named, own = part.read("bucket"), bucket.read("bucket")
    return isinstance(named, str) and isinstance(own, str) and named == own


def buckets_complete(graph: Graph, _: Context) -> Iterator[Finding]:
    """A bucket's encryption and its public access block are resources of their own, so only the graph tells."""
    for kind, what in ((BUCKET_ENCRYPTION, "encryption configuration"), (BUCKET_BLOCK, "public access block")):
        parts = list(graph.of_type(kind))
        for bucket in graph.of_type(BUCKET):
            if not any(belongs(part, bucket, graph) for part in parts):
                yield Finding(
                    problem=refuse("", f"the bucket has no {what}", fix=f"add a {kind.rpartition(':')[2]}").problem,
                    urn=bucket.urn,
                )


def _fsbp(*controls: str) -> tuple[Reference, ...]:
    return tuple(Reference(framework="AWS FSBP", control=control) for control in controls)


RULES = (
    Rule(
        name="disks-encrypted",
        pack="security",
        severity=Severity.HIGH,
        description="Every disk of an instance, a node or a volume claim is encrypted.",
        fix="Set encrypted to true.",
        applies_to=DISKS,
        check=disks_encrypted,
        references=_fsbp("EC2.3"),
    ),
    Rule(
        name="volumes-claimed",
        pack="security",
        severity=Severity.HIGH,
        description="No PersistentVolume brings in a disk that was made elsewhere.",
        fix="Claim a volume of an encrypted StorageClass; restore an old one from an encrypted snapshot.",
        applies_to=(PERSISTENT,),
        check=volumes_claimed,
    ),
    Rule(
        name="disks-current",
        pack="security",
        severity=Severity.LOW,
        description="Every disk names a current volume type (gp3 or io2).",
        fix="Set the volume type to gp3.",
        applies_to=DISKS,
        check=disks_current,
    ),
    Rule(
        name="database-encrypted",
        pack="security",
        severity=Severity.CRITICAL,
        description="Every database is encrypted and has no public address.",
        fix="Set storageEncrypted to true and publiclyAccessible to false.",
        applies_to=("aws:rds/instance:Instance", "aws:rds/cluster:Cluster"),
        check=database_encrypted,
        references=_fsbp("RDS.3", "RDS.2"),
    ),
    Rule(
        name="queue-encrypted",
        pack="security",
        severity=Severity.MEDIUM,
        description="Every queue says how its messages are encrypted.",
        fix="Set sqsManagedSseEnabled to true.",
        applies_to=("aws:sqs/queue:Queue",),
        check=queue_encrypted,
        references=_fsbp("SQS.1"),
    ),
    Rule(
        name="logs-retained",
        pack="security",
        severity=Severity.LOW,
        description="Every log group says how long it keeps its logs.",
        fix="Set retentionInDays.",
        applies_to=("aws:cloudwatch/logGroup:LogGroup",),
        check=logs_retained,
        references=_fsbp("CloudWatch.16"),
    ),
    Rule(
        name="key-rotates",
        pack="security",
        severity=Severity.MEDIUM,
        description="Every symmetric KMS key rotates.",
        fix="Set enableKeyRotation to true.",
        applies_to=("aws:kms/key:Key",),
        check=key_rotates,
        references=_fsbp("KMS.4"),
    ),
    Rule(
        name="bucket-not-public",
        pack="security",
        severity=Severity.CRITICAL,
        description="A bucket's public access block closes all four ways to make it public.",
        fix="Set all four switches to true.",
        applies_to=(BUCKET_BLOCK,),
        check=bucket_not_public,
        references=_fsbp("S3.8"),
    ),
    Rule(
        name="buckets-complete",
        pack="security",
        severity=Severity.HIGH,
        description="Every bucket has an encryption configuration and a public access block.",
        fix="Add the missing resource beside the bucket.",
        check_stack=buckets_complete,
        references=_fsbp("S3.8"),
    ),
)
