"""What the registry holds: experiments, models, prompts, users and the AI gateway."""
