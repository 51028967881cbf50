"""What keeps the node apart from the rest of the machine: namespaces, mounts and control groups."""
