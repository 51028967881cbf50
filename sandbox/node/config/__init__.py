"""What the node's programs are told: their command lines, configuration files, keys and first objects."""
