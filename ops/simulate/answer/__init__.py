"""The answer to a simulation: what is known of nodes, why pods stay pending, the report and its page."""
