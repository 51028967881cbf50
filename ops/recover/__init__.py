"""`modelyard recover`: makes a stack's state true again after a kill."""
