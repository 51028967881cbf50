"""The root of a platform: the plan of the whole stack, and the traffic that no part causes alone."""
