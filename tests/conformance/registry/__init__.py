"""The registry with the real engine, our provider and a real MLflow server."""
