"""The page of a workspace that people look at: curves, rounds, samples, what was lost."""
