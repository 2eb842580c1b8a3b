"""The steps of a round, run and recorded."""
