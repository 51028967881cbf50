"""What is special about an `up`."""
