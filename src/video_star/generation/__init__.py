"""Models asked: engines, sampling, and the store of answers."""
