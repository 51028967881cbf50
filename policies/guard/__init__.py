"""What the guard file allows: ceilings, exemptions, and a bill held against them."""
