"""A simulated Kubernetes cluster behind the Pulumi provider protocol."""
