"""What everybody may import and what imports nothing of ours: errors as values, pinned versions, YAML with lines."""
