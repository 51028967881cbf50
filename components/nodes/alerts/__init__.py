"""Alerts about nodes, pools and GPUs."""
