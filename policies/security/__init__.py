"""The security pack: what may be reached, what is encrypted, who may do what, and what runs."""
