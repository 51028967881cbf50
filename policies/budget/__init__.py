"""The budget pack: the plan fits its ceiling, and nothing is made that the plan has not counted."""
