"""`modelyard doctor`: what an `up` would lack in the account, each with its fix."""
