"""A stack in the sandbox: its session, its folder, its stack file and its registry."""
