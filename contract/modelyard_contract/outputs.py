"""What a platform promises to its app teams: strict when written, lenient when read, so that an older reader keeps working.

No output is a secret; a secret's place is named instead. The same document is published three ways: as stack outputs, as
an SSM parameter and as a ConfigMap, because a StackReference opens the whole state to its reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    import pulumi

CONTRACT_VERSION = 2
"""The newest version that this reader reads. Raised only when the one before would misread the outputs; new fields do not.

1: a platform on AWS. 2: `region`, `accountId`, `network` and `cluster` are left out where there is no AWS.
"""


class ContractError(ValueError):
    """The outputs are not what this contract promises: it says which field, and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


class NetworkOutputs(_Part):
    """The network that the platform runs in."""

    vpc_id: str
    """Id of the VPC."""
    private_subnet_ids: list[str]
    """Subnets for workloads, one a zone."""


class ClusterOutputs(_Part):
    """The Kubernetes cluster, enough to build a kubeconfig from with credentials of one's own."""

    name: str
    """The cluster's name."""
    arn: str
    """The cluster's ARN."""
    endpoint: str
    """URL of the API server."""
    certificate_authority: str
    """The API server's CA certificate (base64 PEM); public."""
    security_group_id: str
    """Security group that nodes and control plane share."""
    version: str
    """Kubernetes minor version."""


class Toleration(_Part):
    """A toleration that a pod needs to land on a pool, as Kubernetes writes it."""

    key: str
    """Key of the taint."""
    operator: str = "Exists"
    """`Exists` or `Equal`."""
    effect: str = "NoSchedule"
    """Effect of the taint."""


class GpuPoolOutputs(_Part):
    """How a workload asks for a GPU of one pool, and how many there can be."""

    node_selector: dict[str, str]
    """Labels that only this pool's nodes have."""
    tolerations: list[Toleration]
    """Tolerations that the pool's taints ask for."""
    resource: str = "nvidia.com/gpu"
    """Name of the resource that a pod asks for, in its limits."""
    max_gpus: int
    """Whole GPUs that the pool can ever have at once."""
    slices_per_gpu: int = 1
    """How many of `resource` each GPU is announced as; of types that differ, the least. 1 where GPUs are not shared."""
    gpu_memory_mib: int
    """Memory (MiB) behind one `resource`: of the smallest GPU, or of its slice where MIG cuts it."""
    memory_isolated: bool = True
    """Whether that memory is one pod's alone; with time slicing, all pods of a GPU use the same memory."""


class RegistryOutputs(_Part):
    """The MLflow registry, as pods of the platform's namespaces reach it; a user and a password are asked for."""

    url: str
    """Address inside the cluster: the tracking URI and the registry URI of an MLflow client."""
    traces_url: str
    """Where OTLP traces go; each request names its experiment in the header `x-mlflow-experiment-id`."""
    namespace: str
    """Namespace of the Service `registry`, for a port-forward."""
    outside_url: str | None = None
    """Address for clients in private networks outside the cluster, over TLS; absent where only pods reach it."""
    admin_secret: str | None = None
    """Name in Secrets Manager of the secret whose `adminPassword` is that of the user `admin`; absent outside AWS."""


class ReleaseOutputs(_Part):
    """One model version that answers, as pods of the platform's namespaces reach it."""

    url: str
    """Address inside the cluster, the base address of an OpenAI client."""
    model: str
    """Registered model. A client names the release, not this, as its model."""
    version: int
    """Its version; while a newer one takes over, some answers are that one's."""
    context_tokens: int
    """Longest context (tokens) of a request and its answer."""


class AwsOutputs(_Part):
    """What there is of the platform in AWS, none of it absent."""

    region: str
    """AWS region."""
    account_id: str
    """AWS account, twelve digits."""
    network: NetworkOutputs
    """The network."""
    cluster: ClusterOutputs
    """The cluster."""


ON_AWS = tuple(str(field.alias) for field in AwsOutputs.model_fields.values())


class PlatformOutputs(_Part):
    """Everything that an app team may rely on."""

    contract_version: int
    """The oldest version of this contract whose readers read these outputs: 1 on AWS, 2 elsewhere."""
    environment: str
    """`dev`, `staging`, `prod` or `local`."""
    owner: str
    """Team that answers for the platform."""
    region: str | None = None
    """AWS region; absent outside AWS, as the next three are."""
    account_id: str | None = None
    """AWS account, twelve digits."""
    network: NetworkOutputs | None = None
    """The network."""
    cluster: ClusterOutputs | None = None
    """The cluster; outside AWS a reader's own kubeconfig says how to reach it."""
    namespaces: list[str] = Field(default_factory=list)
    """Namespaces for workloads, all at Pod Security level `restricted`."""
    storage_class: str
    """Name of the storage class for volumes."""
    gpu_pools: dict[str, GpuPoolOutputs] = Field(default_factory=dict)
    """GPU pools by name."""
    registry: RegistryOutputs | None = None
    """The MLflow registry; absent where there is none."""
    releases: dict[str, ReleaseOutputs] = Field(default_factory=dict)
    """Models that answer, by release."""

    @classmethod
    def read(cls, outputs: Mapping[str, Any]) -> PlatformOutputs:
        """The outputs of a stack as typed values; keys of a newer platform are ignored.

        Raises ContractError when a promised key is missing, as each of AWS's is in version 1, or the contract's version is
        newer than this reader.
        """
        version = outputs.get("contractVersion")
        if not isinstance(version, int | float) or int(version) > CONTRACT_VERSION:
            raise ContractError(
                f"the platform speaks contract version {version}, this reader version {CONTRACT_VERSION}: "
                "upgrade modelyard-contract, or name a Modelyard stack"
            )
        wrong = [key for key in ON_AWS if outputs.get(key) is None] if int(version) == 1 else []
        try:
            read = cls.model_validate(dict(outputs))
        except ValidationError as error:
            wrong += [".".join(str(step) for step in each["loc"]) for each in error.errors()]
        if wrong:
            raise ContractError(
                f"the stack's outputs lack or misstate: {', '.join(wrong)}; run `pulumi up` on the platform"
            )
        return read

    def on_aws(self) -> AwsOutputs:
        """Where in AWS the platform is, for a program that needs that. Raises ContractError when it is not in AWS."""
        if self.region is None or self.account_id is None or self.network is None or self.cluster is None:
            raise ContractError(f"the platform {self.environment} is not in AWS: name one that is")
        return AwsOutputs(region=self.region, account_id=self.account_id, network=self.network, cluster=self.cluster)

    @classmethod
    def of(cls, reference: pulumi.StackReference) -> pulumi.Output[PlatformOutputs]:
        """The outputs of a platform's stack, for an app team's own Pulumi program."""
        return reference.outputs.apply(cls.read)

    def to_outputs(self) -> dict[str, Any]:
        """The promise as plain camelCase values, key by key what the stack exports; what is absent is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
