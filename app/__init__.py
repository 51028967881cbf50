"""A chat service: one team's app on the platform. It knows a model's address and a prompt registry, and nothing else of it."""
