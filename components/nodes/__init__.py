"""Nodes: the system group, the general pool and GPU pools, with what runs on each GPU node."""
