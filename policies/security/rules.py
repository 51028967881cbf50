"""The rules of the security pack, in the order in which the page of policies lists them."""

from policies.rule import Rule
from policies.security import cluster, encryption, iam, in_clear, kept, network, nodes, pods, rbac, reach, secrets, tags

RULES: tuple[Rule, ...] = (
    *cluster.RULES,
    *encryption.RULES,
    *iam.RULES,
    *in_clear.RULES,
    *kept.RULES,
    *network.RULES,
    *nodes.RULES,
    *pods.RULES,
    *rbac.RULES,
    *reach.RULES,
    *secrets.RULES,
    *tags.RULES,
)
