"""Measures what users wait for, as ratios inside one run: `make bench`."""
