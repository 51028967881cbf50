"""Policies: pure rules over a stack's resources, the packs they form, and the process that the engine asks."""
