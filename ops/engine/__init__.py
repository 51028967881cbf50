"""The real Pulumi engine: started, asked, and its events turned into values."""
