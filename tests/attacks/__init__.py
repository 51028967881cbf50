"""Attacks on the gates: each names what is tried and what stops it. `python -m tests.attacks` writes docs/attacks.md."""
