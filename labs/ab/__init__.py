"""`make lab-ab`: two system prompts, users who say what they think of the answers, and a verdict with an interval."""
