"""The outputs contract, where app teams read it."""
