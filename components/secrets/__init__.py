"""How secrets reach pods: External Secrets, a store for each audience, and what the API server refuses."""
