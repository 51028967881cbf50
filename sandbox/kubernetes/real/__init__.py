"""Real API servers: a client, the provider over it, and a control plane of one's own."""
