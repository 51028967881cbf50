"""The pages about the parts of a platform, written from their catalogue."""
