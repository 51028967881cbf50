"""A real one-node Kubernetes of our own, in namespaces of its own: nothing of it is seen from the rest of the machine."""
