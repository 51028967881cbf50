"""The stack file: read with its lines, laid over its profile, typed, and refused with a place."""
