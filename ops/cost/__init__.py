"""`modelyard cost`: the bill of a stack, with no engine and no cloud."""
