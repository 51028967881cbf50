"""Fine-tunes a small model in several ways, and tracks each in a real MLflow server: `make lab-registry`."""
