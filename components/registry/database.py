"""The registry's database: RDS PostgreSQL that only the cluster reaches, over TLS, with a password that RDS keeps and rotates."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pydantic import Field, model_validator

from components.kinds.aws import DailyWindow, DatabaseClass, WeeklyWindow
from components.registry import database_windows as windows
from components.spec import Invalid, LogDays, Spec
from core.versions import POSTGRESQL

PORT = 5432
RUNBOOK = "docs/runbooks/registry-database-trouble.md"
TROUBLE = ["failure", "low storage"]
"""RDS's categories of what somebody has to look at: the instance fails, or its storage is nearly full and does not grow."""
DATABASE, USER = "registry", "modelyard"
"""Name of the database that RDS makes, and of the user whose password RDS rotates."""


class RegistryDatabaseSpec(Spec):
    """How large, how available and how well kept the database is."""

    instance_class: DatabaseClass = "db.t4g.medium"
    """RDS instance class."""
    multi_az: bool = False
    """Whether a standby in another zone takes over when the instance fails."""
    storage_gb: int = Field(default=20, ge=20, le=65_536)
    """Storage (GB, gp3, encrypted) to begin with."""
    max_storage_gb: int = Field(default=100, ge=20, le=65_536)
    """Storage (GB) that RDS may grow it to by itself."""
    backup_days: int = Field(default=7, ge=1, le=35)
    """Days for which the database can be restored to any second."""
    deletion_protection: bool = False
    """Whether AWS and Pulumi refuse to delete the database."""
    final_snapshot: bool = False
    """Whether a final snapshot is taken when the database is deleted."""
    log_days: LogDays = LogDays.MONTH
    """Days that the database's log is kept."""
    backup_window: DailyWindow = "03:00-03:30"
    """When the daily backup is taken (UTC), half an hour at least."""
    maintenance_window: WeeklyWindow = "sun:04:00-sun:05:00"
    """When AWS may restart the database for patches (UTC), half an hour at least, apart from the backup."""

    @model_validator(mode="after")
    def _can_grow(self) -> RegistryDatabaseSpec:
        # RDS refuses an autoscaling limit that is less than 10 % above the storage.
        if self.max_storage_gb * 10 < self.storage_gb * 11:
            raise Invalid(
                "the storage has no room to grow",
                where="maxStorageGb",
                found=str(self.max_storage_gb),
                allowed=f"{-(-self.storage_gb * 11 // 10)} or more, 10 % above storageGb",
            )
        return self

    @model_validator(mode="after")
    def _apart(self) -> RegistryDatabaseSpec:
        if problems := list(windows.problems(self.backup_window, self.maintenance_window)):
            raise Invalid.of(problems)
        return self


@dataclass(frozen=True, kw_only=True)
class RegistryDatabaseArgs:
    """What the database is made from: its spec, the platform's name, and where the cluster's nodes are.

    `topic_arn` is the SNS topic that RDS tells of trouble; None tells nobody.
    """

    spec: RegistryDatabaseSpec
    name: str
    vpc_id: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    cluster_security_group_id: pulumi.Input[str]
    topic_arn: str | None = None


@pulumi.type_token("modelyard:index:RegistryDatabase")
class RegistryDatabase(pulumi.ComponentResource):
    """An encrypted PostgreSQL with backups, in subnets without a way out; its password is in Secrets Manager only."""

    address: pulumi.Output[str]
    arn: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """Where RDS keeps user and password."""
    key_arn: pulumi.Output[str]
    """The key of the storage and of the password."""

    def __init__(self, name: str, args: RegistryDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:RegistryDatabase", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.spec.deletion_protection)
        key = aws.kms.Key(
            "registry-database-key",
            description=f"Database of the registry of {args.name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=kept,
        )
        aws.kms.Alias(
            "registry-database", name=f"alias/{args.name}-registry-database", target_key_id=key.key_id, opts=child
        )
        instance = self._instance(key)
        if args.topic_arn is not None:
            aws.rds.EventSubscription(
                "registry-database-trouble",
                name=f"{args.name}-registry-database-trouble",
                sns_topic=args.topic_arn,
                source_type="db-instance",
                source_ids=[instance.identifier],
                event_categories=TROUBLE,
                opts=child,
            )
        self.address = instance.address
        self.arn = instance.arn
        self.secret_arn = instance.master_user_secrets.apply(lambda found: found[0].secret_arn or "")
        self.key_arn = key.arn
        self.register_outputs({})

    def _instance(self, key: aws.kms.Key) -> aws.rds.Instance:
        args, spec, child = self._args, self._args.spec, pulumi.ResourceOptions(parent=self)
        identifier = f"{args.name}-registry"
        subnets = aws.rds.SubnetGroup(
            "registry",
            name=identifier,
            description=f"Database of the registry of {args.name}",
            subnet_ids=args.subnet_ids,
            opts=child,
        )
        parameters = aws.rds.ParameterGroup(
            "registry",
            name=f"{identifier}-postgres{POSTGRESQL}",
            family=f"postgres{POSTGRESQL}",
            description="TLS only",
            parameters=[{"name": "rds.force_ssl", "value": "1", "apply_method": "immediate"}],
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            "registry-database-log",
            name=f"/aws/rds/instance/{identifier}/postgresql",
            retention_in_days=spec.log_days,
            opts=child,
        )
        return aws.rds.Instance(
            "registry",
            identifier=identifier,
            engine="postgres",
            engine_version=POSTGRESQL,
            instance_class=spec.instance_class,
            multi_az=spec.multi_az,
            allocated_storage=spec.storage_gb,
            max_allocated_storage=spec.max_storage_gb,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=key.arn,
            db_name=DATABASE,
            username=USER,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=key.arn,
            port=PORT,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[self._group().id],
            publicly_accessible=False,
            parameter_group_name=parameters.name,
            auto_minor_version_upgrade=True,
            backup_retention_period=spec.backup_days,
            backup_window=spec.backup_window,
            maintenance_window=spec.maintenance_window,
            copy_tags_to_snapshot=True,
            deletion_protection=spec.deletion_protection,
            skip_final_snapshot=not spec.final_snapshot,
            final_snapshot_identifier=_last(identifier, key) if spec.final_snapshot else None,
            enabled_cloudwatch_logs_exports=["postgresql"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs], protect=spec.deletion_protection),
        )

    def _group(self) -> aws.ec2.SecurityGroup:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            "registry-database",
            name=f"{args.name}-registry-database",
            description="PostgreSQL from the cluster's nodes and pods",
            vpc_id=args.vpc_id,
            tags={"Name": f"{args.name}-registry-database"},
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            "registry-database",
            security_group_id=group.id,
            description="PostgreSQL from the cluster",
            referenced_security_group_id=args.cluster_security_group_id,
            ip_protocol="tcp",
            from_port=PORT,
            to_port=PORT,
            opts=child,
        )
        return group


def _last(identifier: str, key: aws.kms.Key) -> pulumi.Output[str]:
    """The final snapshot's name, which RDS takes once: a stack made anew has a new key, and by it the snapshot is read."""
    return key.key_id.apply(lambda id: f"{identifier}-final-{id}")
