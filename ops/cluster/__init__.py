"""`modelyard cluster`: a real Kubernetes cluster for the local stack."""
