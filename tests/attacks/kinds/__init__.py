"""One file for each kind of attack; each has `ATTACKS`, and `HARMLESS` for what looks like one and has to pass."""
