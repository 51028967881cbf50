"""What becomes of each field of a pod in a simulation: the one table, which a test compares with the published schema.

A pod is reduced to what decides where it goes. A field is kept, left out because it decides nothing about that, refused
because no pod could have it, or it makes the answer undetermined because nobody here knows what it does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Fate(enum.StrEnum):
    """What becomes of a field; `WITHIN` says that its own fields are in the table, `JUDGED` that its value decides."""

    KEPT = "kept"
    WITHIN = "within"
    JUDGED = "judged"
    IDLE = "left out"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"


def _all(fate: Fate, names: str, before: str = "") -> dict[str, Fate]:
    return {f"{before}{name}": fate for name in names.split()}


_RUNNING = """
    args command env envFrom imagePullPolicy lifecycle livenessProbe readinessProbe resizePolicy restartPolicyRules
    securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices
    volumeMounts workingDir
"""
"""What a container runs, what it sees, and how it is watched."""
_INSIDE = """
    activeDeadlineSeconds automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostPID
    hostUsers hostname hostnameOverride imagePullSecrets readinessGates restartPolicy securityContext serviceAccount
    serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds
"""
"""Names, identity and network inside a pod, and how long it runs and stops."""
_ANYWHERE = "cephfs configMap csi downwardAPI emptyDir fc glusterfs hostPath image iscsi name nfs projected rbd secret"
"""Volumes that every node can mount."""
_BOUND = """
    awsElasticBlockStore azureDisk azureFile cinder flexVolume flocker gcePersistentDisk gitRepo photonPersistentDisk
    portworxVolume quobyte scaleIO storageos vsphereVolume
"""
"""Volumes that may be bound to a zone, or to another cloud."""
_KEPT_BY_THE_API = """
    annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation
    managedFields ownerReferences resourceVersion selfLink uid
"""
"""What the API keeps about an object; no annotation of a pod chooses its node."""

_RESOURCES = {
    "resources": Fate.WITHIN,
    "resources.requests": Fate.KEPT,
    "resources.limits": Fate.KEPT,
    "resources.claims": Fate.UNDETERMINED,
}
_CONTAINER = {
    **_all(Fate.KEPT, "image name ports restartPolicy"),
    **_all(Fate.IDLE, _RUNNING),
    **_RESOURCES,
}
_CONTAINERS = {
    f"{group}{path}": fate
    for group in ("containers", "initContainers")
    for path, fate in {"": Fate.WITHIN, **{f"[].{name}": fate for name, fate in _CONTAINER.items()}}.items()
}
_SPEC = {
    **_all(Fate.KEPT, "hostNetwork nodeSelector schedulingGates tolerations topologySpreadConstraints"),
    **_all(
        Fate.JUDGED, "affinity os overhead preemptionPolicy priority priorityClassName runtimeClassName schedulerName"
    ),
    **_all(Fate.REFUSED, "ephemeralContainers nodeName"),
    **_all(Fate.UNDETERMINED, "resourceClaims schedulingGroup"),
    **_all(Fate.IDLE, _INSIDE),
    **_RESOURCES,
    **_CONTAINERS,
    "volumes": Fate.WITHIN,
    **_all(Fate.JUDGED, "ephemeral persistentVolumeClaim", "volumes[]."),
    **_all(Fate.IDLE, _ANYWHERE, "volumes[]."),
    **_all(Fate.UNDETERMINED, _BOUND, "volumes[]."),
}
FATES: Mapping[str, Fate] = MappingProxyType(
    {
        "spec": Fate.WITHIN,
        "metadata": Fate.WITHIN,
        **{f"spec.{path}": fate for path, fate in _SPEC.items()},
        **_all(Fate.KEPT, "labels name namespace", "metadata."),
        **_all(Fate.IDLE, _KEPT_BY_THE_API, "metadata."),
    }
)
"""Path in a pod (a list's items as `[]`) -> what becomes of it."""

_CLAIMED = "devices that are asked for by claim (dynamic resource allocation) are not simulated"
WHY: Mapping[str, str] = MappingProxyType(
    {
        "spec.nodeName": "it names a node, and a simulation starts without any",
        "spec.ephemeralContainers": "a pod cannot be made with them",
        "spec.resourceClaims": _CLAIMED,
        "spec.resources.claims": _CLAIMED,
        "spec.containers[].resources.claims": _CLAIMED,
        "spec.initContainers[].resources.claims": _CLAIMED,
        "spec.schedulingGroup": "pods that are placed as one group are not simulated",
        **dict.fromkeys(
            _all(Fate.UNDETERMINED, _BOUND, "spec.volumes[]."), "it may be bound to a zone, or to another cloud"
        ),
    }
)
"""Why a field is refused, or makes the answer undetermined."""
