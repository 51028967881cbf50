"""The bill of a resource graph: what is priced, free or unpriced, and the sums."""
