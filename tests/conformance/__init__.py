"""Tests against real servers: what needs more than a Python environment, or more than a few seconds."""
