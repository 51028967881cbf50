"""Prometheus, Alertmanager and Grafana, the exporters that feed them, and what the platform itself asks of them."""
