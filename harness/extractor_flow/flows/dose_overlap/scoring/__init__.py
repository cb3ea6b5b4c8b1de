"""Scores of a reconstruction against the object."""
