"""Karpenter: its releases, its roles, and the queue that warns it of interruptions."""
