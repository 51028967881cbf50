"""The stack's budget in AWS: what may be spent, who is told, and what stops spending."""
