"""Several pods on one GPU: time slicing or MIG, said once and turned into what each node image understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml
from pydantic import Field, model_validator

from components.kinds.kubernetes import MigProfile
from components.spec import Invalid, Spec
from pricing.capacity.announced import GPU_RESOURCE, Sharing, mig_setting


class SharingSpec(Spec):
    """How many pods share a GPU, and how."""

    mode: Sharing = Sharing.NONE
    """none, timeSlicing or mig."""
    replicas: int | None = Field(default=None, ge=2, le=48)
    """With timeSlicing: how many pods take turns on one GPU."""
    profile: MigProfile = ""
    """With mig: the profile that each GPU is cut into, for example 1g.10gb."""

    @model_validator(mode="after")
    def _agrees(self) -> SharingSpec:
        slicing, mig = self.mode is Sharing.TIME_SLICING, self.mode is Sharing.MIG
        if slicing is not (self.replicas is not None):
            raise Invalid(
                "replicas belong to timeSlicing, and it needs them",
                where="replicas",
                found=str(self.replicas) if self.replicas else "nothing",
                allowed="2 to 48 with mode: timeSlicing, nothing otherwise",
            )
        if mig is not bool(self.profile):
            raise Invalid(
                "a profile belongs to mig, and it needs one",
                where="profile",
                found=self.profile or "nothing",
                allowed="for example 1g.10gb with mode: mig, nothing otherwise",
            )
        return self


def plugin_configs(pools: Mapping[str, SharingSpec]) -> dict[str, str]:
    """The device plugin's configurations by name: `default`, and one for each pool that slices time.

    Nodes choose theirs by the label `nvidia.com/device-plugin.config`. A slice keeps the name `nvidia.com/gpu`.
    """
    configs = {"default": yaml.safe_dump({"version": "v1"})}
    for pool, sharing in pools.items():
        if sharing.mode is Sharing.TIME_SLICING:
            slicing = {
                "renameByDefault": False,
                "failRequestsGreaterThanOne": True,
                "resources": [{"name": GPU_RESOURCE, "replicas": sharing.replicas}],
            }
            configs[pool] = yaml.safe_dump({"version": "v1", "sharing": {"timeSlicing": slicing}})
    return configs


def bottlerocket_settings(sharing: SharingSpec, instance_types: Sequence[str]) -> str | None:
    """Bottlerocket's user data (TOML) for its built-in device plugin; None when GPUs are not shared.

    Setting names: Bottlerocket's documentation of `settings.kubelet-device-plugins.nvidia`, 1.54. Its default renames a
    slice to `nvidia.com/gpu.shared`, for which no pod of ours asks, so the name is kept.
    """
    base = "settings.kubelet-device-plugins.nvidia"
    if sharing.mode is Sharing.TIME_SLICING:
        return (
            f'[{base}]\ndevice-sharing-strategy = "time-slicing"\n\n'
            f"[{base}.time-slicing]\nreplicas = {sharing.replicas}\nrename-by-default = false\n"
            "fail-requests-greater-than-one = true\n"
        )
    if sharing.mode is Sharing.MIG:
        gpus = sorted({known for name in instance_types if (known := mig_setting(name))})
        profiles = "".join(f'"{gpu}" = "{sharing.profile}"\n' for gpu in gpus)
        return f'[{base}]\ndevice-partitioning-strategy = "mig"\n\n[{base}.mig.profile]\n{profiles}'
    return None
