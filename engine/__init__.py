"""The Pulumi engine's protocol: its values, the paths in them, its messages, and a server that it finds."""
