"""What an environment has when its stack file says nothing: one profile for each kind of environment.

A profile holds only what differs from the Specs' own defaults, so that nothing is said twice; the stack file is laid over
it. `modelyard config --stack NAME` prints each effective value and which of the three it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.spec import Environment

PROFILES: Mapping[Environment, Mapping[str, Any]] = {
    Environment.DEV: {},
    Environment.STAGING: {
        "network": {"zones": ["a", "b", "c"]},
    },
    Environment.PROD: {
        "network": {"zones": ["a", "b", "c"], "nat": "perZone", "endpoints": "private", "flowLogDays": 90},
        "cluster": {
            "logDays": 365,
            "deletionProtection": True,
            "systemNodes": {"size": 3, "instanceTypes": ["m7g.xlarge"]},
            "addons": {"dnsReplicas": 3},
        },
        "storage": {"retain": True},
        "externalSecrets": {"replicas": 2},
        "gateway": {"replicas": 2},
        "rollouts": {"replicas": 2},
        "monitoring": {"highAvailability": True, "size": "medium", "storageGib": {"prometheus": 200}},
        "registry": {
            "server": {"replicas": {"min": 2, "max": 6}, "cpu": "1", "memory": "3Gi"},
            "database": {
                "instanceClass": "db.m7g.large",
                "multiAz": True,
                "storageGb": 200,
                "maxStorageGb": 400,
                "backupDays": 35,
                "deletionProtection": True,
                "finalSnapshot": True,
                "logDays": 365,
            },
            "artifacts": {"expireOldVersionsDays": 90, "deletionProtection": True},
        },
    },
    # Without AWS. A part that has an AWS way and another one names the other one here, in its own words.
    Environment.LOCAL: {
        "budget": {"monthlyUsd": 0, "watch": {"enabled": False}},
        "network": None,
        "cluster": None,
        "karpenter": None,
        "generalPool": None,
        "publication": {"parameter": False},
        "registry": {"keeping": "volume", "server": {"replicas": {"min": 1, "max": 1}}},
        "externalSecrets": {"source": "none"},
        "monitoring": {"karpenter": False},
    },
}
