"""The namespaces that workloads live in."""
