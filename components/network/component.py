"""The network: one VPC over two or three zones, or an existing one named by ids."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pydantic import Field, model_validator

from components.iam import allow, document, trust
from components.kinds.addresses import VpcBlock
from components.kinds.aws import ZoneLetter
from components.network.existing import ExistingNetworkSpec, check
from components.network.subnets import MAX_ZONES, Tier, plan_subnets
from components.spec import Invalid, LogDays, Spec

INTERFACE_ENDPOINTS = (
    "ecr.api",
    "ecr.dkr",
    "ec2",
    "eks",
    "eks-auth",
    "sts",
    "kms",
    "logs",
    "ssm",
    "sqs",
    "elasticloadbalancing",
)
"""What an EKS GPU platform calls from inside the VPC; without NAT a node cannot join when one is missing."""


class Nat(enum.StrEnum):
    """How private subnets reach the internet: one gateway for all zones, or one each, so that a zone fails alone."""

    SINGLE = "single"
    PER_ZONE = "perZone"


class Endpoints(enum.StrEnum):
    """Whether AWS APIs are reached through interface endpoints inside the VPC (paid by hour and zone) or through NAT."""

    NONE = "none"
    PRIVATE = "private"


class NetworkSpec(Spec):
    """The VPC, its zones and its ways out; or an `existing` one."""

    cidr: VpcBlock = "10.0.0.0/16"
    """IPv4 block of the VPC, /16 to /20, private; it must not overlap networks that it will be peered with."""
    zones: list[ZoneLetter] = Field(default_factory=lambda: ["a", "b"], min_length=2, max_length=MAX_ZONES)
    """Letters of the availability zones, in order; a new one goes at the end."""
    nat: Nat = Nat.SINGLE
    """One NAT gateway for all zones, or one in each."""
    endpoints: Endpoints = Endpoints.NONE
    """Whether AWS APIs are reached through interface endpoints."""
    flow_log_days: LogDays = LogDays.MONTH
    """Days that VPC flow logs are kept."""
    existing: ExistingNetworkSpec | None = None
    """Use this VPC instead of creating one. Of the fields above only `zones` then applies, because pools buy in them."""

    @model_validator(mode="after")
    def _fits(self) -> NetworkSpec:
        if len(set(self.zones)) != len(self.zones):
            raise Invalid("a zone is named twice", where="zones", found=", ".join(self.zones), fix="name each once")
        return self


def _write_logs(group_arn: str) -> str:
    actions = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
    return document([allow("WriteFlowLogs", actions, [group_arn, f"{group_arn}:*"])])


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What the network is made from: its spec, the platform's name and the region."""

    spec: NetworkSpec
    name: str
    region: str


@pulumi.type_token("modelyard:index:Network")
class Network(pulumi.ComponentResource):
    """A VPC whose private subnets can run a cluster: subnets, ways out, endpoints, flow logs, a closed default group."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: list[pulumi.Output[str]]
    intra_subnet_ids: list[pulumi.Output[str]]
    ways_out: list[pulumi.Resource]
    """The routes and endpoints that a node needs before it can join; node groups depend on them."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Network", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        self.ways_out = []
        if args.spec.existing is not None:
            self._adopt(args.spec.existing)
        else:
            self._make()
        self.register_outputs({})

    def _adopt(self, existing: ExistingNetworkSpec) -> None:
        check(existing, self._args.region, self._args.spec.zones, self)
        self.vpc_id = pulumi.Output.from_input(existing.vpc_id)
        self.private_subnet_ids = [pulumi.Output.from_input(each) for each in existing.private_subnet_ids]
        self.intra_subnet_ids = [pulumi.Output.from_input(each) for each in existing.control_plane_subnet_ids]

    def _make(self) -> None:
        spec, child = self._args.spec, pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=spec.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._args.name},
            opts=child,
        )
        aws.ec2.DefaultSecurityGroup("closed-default", vpc_id=vpc.id, ingress=[], egress=[], opts=child)
        gateway = aws.ec2.InternetGateway("internet", vpc_id=vpc.id, tags={"Name": self._args.name}, opts=child)
        subnets = self._subnets(vpc)
        public_routes = aws.ec2.RouteTable("public", vpc_id=vpc.id, tags=self._tags("public"), opts=child)
        to_internet = aws.ec2.Route(
            "public-out",
            route_table_id=public_routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        intra_routes = aws.ec2.RouteTable("intra", vpc_id=vpc.id, tags=self._tags("intra"), opts=child)
        gateways = self._nat_gateways(subnets, to_internet)
        private_routes = {}
        for zone in spec.zones:
            table = aws.ec2.RouteTable(f"private-{zone}", vpc_id=vpc.id, tags=self._tags(f"private-{zone}"), opts=child)
            private_routes[zone] = table
            nat = gateways.get(zone, gateways[spec.zones[0]])
            self.ways_out.append(
                aws.ec2.Route(
                    f"private-{zone}-out",
                    route_table_id=table.id,
                    destination_cidr_block="0.0.0.0/0",
                    nat_gateway_id=nat.id,
                    opts=child,
                )
            )
        for (tier, zone), subnet in subnets.items():
            table = {Tier.PUBLIC: public_routes, Tier.INTRA: intra_routes, Tier.PRIVATE: private_routes[zone]}[tier]
            association = aws.ec2.RouteTableAssociation(
                f"{tier.value}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=child
            )
            if tier is Tier.PRIVATE:
                self.ways_out.append(association)
        self._endpoints(vpc, subnets, [intra_routes, *private_routes.values()])
        self._flow_logs(vpc)
        self.vpc_id = vpc.id
        self.private_subnet_ids = [subnets[Tier.PRIVATE, zone].id for zone in spec.zones]
        self.intra_subnet_ids = [subnets[Tier.INTRA, zone].id for zone in spec.zones]

    def _tags(self, role: str) -> dict[str, str]:
        return {"Name": f"{self._args.name}-{role}"}

    def _subnets(self, vpc: aws.ec2.Vpc) -> dict[tuple[Tier, str], aws.ec2.Subnet]:
        roles = {
            Tier.PUBLIC: {"kubernetes.io/role/elb": "1"},
            Tier.PRIVATE: {"kubernetes.io/role/internal-elb": "1", "karpenter.sh/discovery": self._args.name},
            Tier.INTRA: {},
        }
        return {
            (planned.tier, planned.zone): aws.ec2.Subnet(
                f"{planned.tier.value}-{planned.zone}",
                vpc_id=vpc.id,
                cidr_block=planned.cidr,
                availability_zone=f"{self._args.region}{planned.zone}",
                map_public_ip_on_launch=False,
                tags={**self._tags(f"{planned.tier.value}-{planned.zone}"), **roles[planned.tier]},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for planned in plan_subnets(self._args.spec.cidr, self._args.spec.zones)
        }

    def _nat_gateways(
        self, subnets: dict[tuple[Tier, str], aws.ec2.Subnet], to_internet: aws.ec2.Route
    ) -> dict[str, aws.ec2.NatGateway]:
        zones = self._args.spec.zones if self._args.spec.nat is Nat.PER_ZONE else self._args.spec.zones[:1]
        gateways = {}
        for zone in zones:
            needs = pulumi.ResourceOptions(parent=self, depends_on=[to_internet])
            address = aws.ec2.Eip(f"nat-{zone}", domain="vpc", tags=self._tags(f"nat-{zone}"), opts=needs)
            gateways[zone] = aws.ec2.NatGateway(
                f"nat-{zone}",
                allocation_id=address.id,
                subnet_id=subnets[Tier.PUBLIC, zone].id,
                tags=self._tags(f"nat-{zone}"),
                opts=needs,
            )
        return gateways

    def _endpoints(
        self,
        vpc: aws.ec2.Vpc,
        subnets: dict[tuple[Tier, str], aws.ec2.Subnet],
        tables: list[aws.ec2.RouteTable],
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        self.ways_out.append(
            aws.ec2.VpcEndpoint(
                "s3",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{self._args.region}.s3",
                vpc_endpoint_type="Gateway",
                route_table_ids=[table.id for table in tables],
                tags=self._tags("s3"),
                opts=child,
            )
        )
        if self._args.spec.endpoints is Endpoints.NONE:
            return
        group = aws.ec2.SecurityGroup(
            "endpoints",
            vpc_id=vpc.id,
            description="HTTPS from inside the VPC to AWS interface endpoints",
            tags=self._tags("endpoints"),
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            "endpoints-https",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            cidr_ipv4=self._args.spec.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=child,
        )
        for service in INTERFACE_ENDPOINTS:
            self.ways_out.append(
                aws.ec2.VpcEndpoint(
                    service.replace(".", "-"),
                    vpc_id=vpc.id,
                    service_name=f"com.amazonaws.{self._args.region}.{service}",
                    vpc_endpoint_type="Interface",
                    private_dns_enabled=True,
                    subnet_ids=[subnets[Tier.INTRA, zone].id for zone in self._args.spec.zones],
                    security_group_ids=[group.id],
                    tags=self._tags(service),
                    opts=child,
                )
            )

    def _flow_logs(self, vpc: aws.ec2.Vpc) -> None:
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            "flow-logs",
            name=f"/modelyard/{self._args.name}/flow-logs",
            retention_in_days=self._args.spec.flow_log_days,
            opts=child,
        )
        role = aws.iam.Role(
            "flow-logs",
            name=f"{self._args.name}-flow-logs",
            assume_role_policy=trust("vpc-flow-logs.amazonaws.com"),
            opts=child,
        )
        aws.iam.RolePolicy(
            "flow-logs",
            role=role.id,
            policy=group.arn.apply(_write_logs),
            opts=child,
        )
        aws.ec2.FlowLog(
            "vpc",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags=self._tags("flow-logs"),
            opts=child,
        )
