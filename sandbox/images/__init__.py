"""Container images out of what is on this machine already: no registry, no daemon, and the same bytes from the same files."""
