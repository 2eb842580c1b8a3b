"""Decoding of videos and the frame cache."""
