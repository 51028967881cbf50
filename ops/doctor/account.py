"""What an AWS account says of itself, a question a method: thin calls that return plain values and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError")
_NOBODY = ("ExpiredToken", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClient", "AuthFailure")
_LOG_IN = "`aws sso login`, or set AWS_PROFILE; check with `aws sts get-caller-identity`"


class Unanswered(Exception):
    """The account does not say: why, and what would make it say (a permission, credentials, another try)."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An availability zone: its id is the same place in every account, its name is not."""

    name: str
    id: str
    open: bool


class Account:
    """An account in one region; `client` makes the clients (`boto3.client` with the region bound)."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    @classmethod
    def of(cls, region: str) -> Account:
        """The account of the environment's credentials."""
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]

        config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3})
        return cls(lambda service: boto3.client(service, region_name=region, config=config))

    def caller(self) -> tuple[str, str]:
        """The account's number and the caller's ARN."""
        with asking("sts:GetCallerIdentity"):
            answer = self._client("sts").get_caller_identity()
        return str(answer["Account"]), str(answer["Arn"])

    def region(self, name: str) -> str:
        """Whether the region is enabled: `opt-in-not-required`, `opted-in` or `not-opted-in`."""
        with asking("ec2:DescribeRegions"):
            answer = self._client("ec2").describe_regions(RegionNames=[name], AllRegions=True)
        return str(answer["Regions"][0]["OptInStatus"])

    def zones(self) -> list[Zone]:
        """The region's availability zones, as this account names them."""
        with asking("ec2:DescribeAvailabilityZones"):
            filters = [{"Name": "zone-type", "Values": ["availability-zone"]}]
            answer = self._client("ec2").describe_availability_zones(Filters=filters)
        return [
            Zone(name=zone["ZoneName"], id=zone["ZoneId"], open=zone["State"] == "available")
            for zone in answer["AvailabilityZones"]
        ]

    def offered(self, types: list[str]) -> set[tuple[str, str]]:
        """Which of these instance types are offered in which zone, as pairs (type, zone's name)."""
        found: set[tuple[str, str]] = set()
        with asking("ec2:DescribeInstanceTypeOfferings"):
            pages = self._client("ec2").get_paginator("describe_instance_type_offerings")
            filters = [{"Name": "instance-type", "Values": sorted(types)}]
            for page in pages.paginate(LocationType="availability-zone", Filters=filters):
                found |= {
                    (offering["InstanceType"], offering["Location"]) for offering in page["InstanceTypeOfferings"]
                }
        return found

    def quota(self, code: str) -> int:
        """The value of an EC2 quota here; AWS's default when it was never raised."""
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]

        quotas = self._client("service-quotas")
        with asking("servicequotas:GetServiceQuota"):
            try:
                answer = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchResourceException":
                    raise
                answer = None
        if answer is None:
            with asking("servicequotas:GetAWSDefaultServiceQuota"):
                answer = quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=code)
        return int(answer["Quota"]["Value"])

    def role(self, name: str) -> bool:
        """Whether an IAM role of this name exists, under the path that stands before the name: `team/ml/deployer`."""
        from botocore.exceptions import ClientError

        with asking("iam:GetRole"):
            try:
                found = self._client("iam").get_role(RoleName=name.rpartition("/")[2])
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchEntity":
                    raise
                return False
        return str(found["Role"]["Arn"]).endswith(f":role/{name}")

    def addon_versions(self, addon: str, kubernetes: str) -> set[str]:
        """The versions of an EKS add-on that this region offers for a Kubernetes minor; none for a name that EKS has not."""
        with asking("eks:DescribeAddonVersions"):
            pages = self._client("eks").get_paginator("describe_addon_versions")
            found = pages.paginate(addonName=addon, kubernetesVersion=kubernetes)
            offered = [version for page in found for each in page["addons"] for version in each["addonVersions"]]
        return {str(version["addonVersion"]) for version in offered}

    def payer(self) -> str:
        """The number of the account that pays the bill: the organization's management account, or empty when it is in none."""
        from botocore.exceptions import ClientError

        with asking("organizations:DescribeOrganization"):
            try:
                answer = self._client("organizations").describe_organization()
            except ClientError as error:
                if error.response["Error"]["Code"] != "AWSOrganizationsNotInUseException":
                    raise
                return ""
        return str(answer["Organization"]["MasterAccountId"])

    def addresses(self) -> list[dict[str, str]]:
        """The tags of each Elastic IP in the region."""
        with asking("ec2:DescribeAddresses"):
            answer = self._client("ec2").describe_addresses()
        return [{tag["Key"]: tag["Value"] for tag in address.get("Tags", [])} for address in answer["Addresses"]]

    def tagged(self, key: str, value: str) -> list[str]:
        """The ARN of everything in the region that carries a tag, as far as its service tells the tagging API."""
        with asking("tag:GetResources"):
            pages = self._client("resourcegroupstaggingapi").get_paginator("get_resources")
            found = pages.paginate(TagFilters=[{"Key": key, "Values": [value]}])
            return [str(each["ResourceARN"]) for page in found for each in page["ResourceTagMappingList"]]

    def holds(self, bucket: str) -> bool:
        """Whether a bucket holds a version of anything, or the mark of a deletion; one that is not there holds nothing."""
        from botocore.exceptions import ClientError

        with asking("s3:ListBucketVersions"):
            try:
                answer = self._client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchBucket":
                    raise
                return False
        return bool(answer.get("Versions") or answer.get("DeleteMarkers"))

    def key(self, id: str) -> str:
        """The state of a KMS key, `Enabled` when it can be used."""
        with asking("kms:DescribeKey"):
            answer = self._client("kms").describe_key(KeyId=id)
        return str(answer["KeyMetadata"]["KeyState"])

    def endpoint(self, cluster: str) -> str:
        """The URL of an EKS cluster's API server."""
        with asking("eks:DescribeCluster"):
            answer = self._client("eks").describe_cluster(name=cluster)
        return str(answer["cluster"].get("endpoint", ""))

    def network(self, vpc: str) -> dict[str, Any]:
        """A VPC with its DNS switches, and everything in it that carries traffic, as EC2 describes each."""
        ec2, mine = self._client("ec2"), [{"Name": "vpc-id", "Values": [vpc]}]
        with asking("ec2:DescribeVpcs, ec2:DescribeVpcAttribute"):
            found = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
            switches = {
                name: ec2.describe_vpc_attribute(VpcId=vpc, Attribute=f"enable{name}")[f"Enable{name}"]["Value"]
                for name in ("DnsSupport", "DnsHostnames")
            }
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        parts = {
            "Subnets": ("describe_subnets", {"Filters": mine}),
            "RouteTables": ("describe_route_tables", {"Filters": mine}),
            "SecurityGroups": ("describe_security_groups", {"Filters": mine}),
            "VpcEndpoints": ("describe_vpc_endpoints", {"Filters": mine}),
            "NatGateways": ("describe_nat_gateways", {"Filter": mine}),
            "InternetGateways": ("describe_internet_gateways", {"Filters": attached}),
        }
        network: dict[str, Any] = {"Vpc": found, **switches}
        for name, (operation, filters) in parts.items():
            with asking(f"ec2:Describe{name}"):
                pages = ec2.get_paginator(operation).paginate(**filters)
                network[name] = [each for page in pages for each in page[name]]
        return network

    def cluster(self, name: str) -> dict[str, Any]:
        """An EKS cluster as EKS describes it."""
        with asking("eks:DescribeCluster"):
            return dict(self._client("eks").describe_cluster(name=name)["cluster"])


@contextmanager
def asking(permission: str) -> Iterator[None]:
    """Turns what can go wrong with a question that needs `permission` into Unanswered."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, TokenRetrievalError

    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        fix = "try again, or see what AWS says of this error"
        if code.startswith(_DENIED):
            fix = f"allow {permission} to the caller"
        elif code.startswith(_NOBODY):
            fix = _LOG_IN
        raise Unanswered(f"{code}: {error.response['Error'].get('Message', '')}"[:300], fix) from None
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise Unanswered(str(error), _LOG_IN) from None
    except BotoCoreError as error:
        raise Unanswered(str(error)[:300], "see that AWS can be reached from here, then try again") from None
