"""The stack's budget in AWS: what may be spent, who gets the alerts, and what stops spending."""
