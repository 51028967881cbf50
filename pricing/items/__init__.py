"""The words of every bill: lines and sums, a graph of resources, amounts of use, and what has no price."""
