"""Dashboards as Python: each is a file here, `ALL` in `catalogue.py` lists them.

`python -m components` renders them with Grafana's own SDK into `rendered/`, which is what a stack declares: a preview
then need not load the SDK's thousands of classes, and a change of a dashboard is read in review. A new area of the platform
adds a file with a `Board` and its line in the catalogue; the tests check each query and unit.
"""
