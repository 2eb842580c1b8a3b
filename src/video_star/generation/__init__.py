"""Asking models: engines, sampling, and the answer store."""
