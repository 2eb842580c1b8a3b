"""A small world of moving shapes and the small model that watches it (`base`), shipped together."""
