"""Alert and recording rules as Python: each group is a file here, `ALL` in `catalogue.py` lists them.

A new area of the platform (the registry, serving, quality, cost) adds a file with a `Group` and its line in the catalogue;
the tests then ask for its runbook, check its expressions against what the exporters export, and run its two examples.
"""
