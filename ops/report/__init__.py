"""The report on a preview: one value, bounded and without secrets, and a renderer beside it for each kind of reader."""
