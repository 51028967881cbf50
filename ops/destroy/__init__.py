"""`modelyard destroy`: what keeps it from starting, and what it leaves."""
