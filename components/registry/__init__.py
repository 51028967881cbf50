"""The model registry: MLflow on the cluster, its database, its files, its secrets and what it holds."""
