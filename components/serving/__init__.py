"""Releases: versions of registered models that answer, each from a file of its own."""
