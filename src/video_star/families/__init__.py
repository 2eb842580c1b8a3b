"""Families of video-language models: what is said of each, and how all of them are fed."""
