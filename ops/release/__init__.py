"""`modelyard release`: release files, and how far a release is."""
