"""Labs: one command each, on this machine, with real programs; a page in docs/labs says what comes out."""
