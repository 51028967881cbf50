"""The guard file: ceilings, exemptions, and the comparison of a bill with them."""
