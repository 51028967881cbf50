"""Whether the network paths that a stack needs exist, computed from what it declares. Pure: no engine, no account."""
