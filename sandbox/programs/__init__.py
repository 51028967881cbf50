"""Real programs, fetched or built from pinned modules: the Pulumi engine, and what tests and nodes run."""
