"""Argo Rollouts and its traffic plugin."""
