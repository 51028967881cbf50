"""`modelyard registry` and `modelyard models`: what a model registry holds, and versions side by side."""
