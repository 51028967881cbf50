"""What nodes and GPUs are, and what a pool's limits let it buy."""
