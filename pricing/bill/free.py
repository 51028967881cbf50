"""What costs nothing by itself, type by type with the reason; a type that stands neither here nor in the estimate is unpriced."""

from __future__ import annotations

from collections.abc import Mapping

from pricing.bill.listed import why_not_in_a_cloud

_NO_CHARGE = "AWS charges nothing for it"
_BY_TRAFFIC = "no charge by itself; traffic is counted for the whole stack"
_ON_NODES = "runs on nodes that are counted where they are made"
_OBJECT = "an entry in the cluster's database"
_BY_WHOEVER = "a template: who starts machines from it is priced"

FREE: Mapping[str, str] = {
    "aws:autoscaling/lifecycleHook:LifecycleHook": _NO_CHARGE,
    "aws:budgets/budget:Budget": "budgets without actions are free",
    "aws:cloudwatch/eventRule:EventRule": "events of AWS services on the default bus are free",
    "aws:cloudwatch/eventTarget:EventTarget": "events of AWS services on the default bus are free",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": _NO_CHARGE,
    "aws:costexplorer/anomalySubscription:AnomalySubscription": _NO_CHARGE,
    "aws:costexplorer/costAllocationTag:CostAllocationTag": _NO_CHARGE,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _NO_CHARGE,
    "aws:ec2/internetGateway:InternetGateway": _BY_TRAFFIC,
    "aws:ec2/launchTemplate:LaunchTemplate": _BY_WHOEVER,
    "aws:ec2/placementGroup:PlacementGroup": _NO_CHARGE,
    "aws:ec2/route:Route": _NO_CHARGE,
    "aws:ec2/routeTable:RouteTable": _NO_CHARGE,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _NO_CHARGE,
    "aws:ec2/securityGroup:SecurityGroup": _NO_CHARGE,
    "aws:ec2/securityGroupRule:SecurityGroupRule": _NO_CHARGE,
    "aws:ec2/subnet:Subnet": _NO_CHARGE,
    "aws:ec2/vpc:Vpc": _BY_TRAFFIC,
    "aws:eks/accessEntry:AccessEntry": _NO_CHARGE,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _NO_CHARGE,
    "aws:eks/addon:Addon": _ON_NODES,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _NO_CHARGE,
    "aws:iam/instanceProfile:InstanceProfile": _NO_CHARGE,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _NO_CHARGE,
    "aws:iam/policy:Policy": _NO_CHARGE,
    "aws:iam/role:Role": _NO_CHARGE,
    "aws:iam/rolePolicy:RolePolicy": _NO_CHARGE,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _NO_CHARGE,
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _NO_CHARGE,
    "aws:kms/alias:Alias": _NO_CHARGE,
    "aws:kms/keyPolicy:KeyPolicy": _NO_CHARGE,
    "aws:lb/listener:Listener": "counted with its load balancer",
    "aws:lb/targetGroup:TargetGroup": "counted with its load balancer",
    "aws:rds/eventSubscription:EventSubscription": "RDS charges nothing for it, and SNS by what is sent",
    "aws:rds/parameterGroup:ParameterGroup": _NO_CHARGE,
    "aws:rds/subnetGroup:SubnetGroup": _NO_CHARGE,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "counted with its bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _NO_CHARGE,
    "aws:s3/bucketPolicy:BucketPolicy": _NO_CHARGE,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _NO_CHARGE,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _NO_CHARGE,
    "aws:s3/bucketVersioning:BucketVersioning": "counted with its bucket",
    "aws:secretsmanager/secretVersion:SecretVersion": "counted with its secret",
    "aws:sqs/queuePolicy:QueuePolicy": _NO_CHARGE,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _NO_CHARGE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _NO_CHARGE,
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy": _OBJECT,
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": _OBJECT,
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": _OBJECT,
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": _ON_NODES,
    "kubernetes:core/v1:ConfigMap": _OBJECT,
    "kubernetes:core/v1:LimitRange": _OBJECT,
    "kubernetes:core/v1:Namespace": _OBJECT,
    "kubernetes:core/v1:ResourceQuota": _OBJECT,
    "kubernetes:core/v1:Secret": _OBJECT,
    "kubernetes:core/v1:ServiceAccount": _OBJECT,
    "kubernetes:external-secrets.io/v1:ClusterSecretStore": _OBJECT,
    "kubernetes:external-secrets.io/v1:ExternalSecret": "what it reads is counted with the secret",
    "kubernetes:gateway.networking.k8s.io/v1:GatewayClass": _OBJECT,
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": _OBJECT,
    "kubernetes:generators.external-secrets.io/v1alpha1:Password": _OBJECT,
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": _BY_WHOEVER,
    "kubernetes:monitoring.coreos.com/v1:PodMonitor": _OBJECT,
    "kubernetes:monitoring.coreos.com/v1:PrometheusRule": _OBJECT,
    "kubernetes:monitoring.coreos.com/v1:ServiceMonitor": _OBJECT,
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": _OBJECT,
    "kubernetes:policy/v1:PodDisruptionBudget": _OBJECT,
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": _OBJECT,
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": _OBJECT,
    "kubernetes:rbac.authorization.k8s.io/v1:Role": _OBJECT,
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": _OBJECT,
    "kubernetes:scheduling.k8s.io/v1:PriorityClass": _OBJECT,
    "kubernetes:storage.k8s.io/v1:StorageClass": _OBJECT,
}
"""Type token -> why it is free. Kubernetes objects that make something in AWS (a load balancer, a volume) are not here."""


def why_free(token: str) -> str:
    """Why a type costs nothing by itself; empty when nobody has said so."""
    return FREE.get(token, "") or why_not_in_a_cloud(token)
