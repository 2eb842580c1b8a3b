"""Labelled data sets in: readers, questions, the manifest, replayed conversations."""
