"""What AWS refuses: values, names, documents, references, and an order in which nothing could work."""
