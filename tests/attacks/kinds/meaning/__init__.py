"""Attacks that write a dangerous policy, network, role or image so that a search for words does not find it."""
