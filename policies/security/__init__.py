"""The security pack: what may be reached, what is encrypted, who may do what, and what runs."""

from policies.rule import Rule
from policies.security import cluster, encryption, iam, kept, network, nodes, pods, reach, tags

RULES: tuple[Rule, ...] = (
    *cluster.RULES,
    *encryption.RULES,
    *iam.RULES,
    *kept.RULES,
    *network.RULES,
    *nodes.RULES,
    *pods.RULES,
    *reach.RULES,
    *tags.RULES,
)
