"""`modelyard images`: what registries say of every pinned image and chart."""
