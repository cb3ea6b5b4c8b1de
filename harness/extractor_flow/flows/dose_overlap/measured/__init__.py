"""Measured frames: whether they fit their object, how else they could be read, and how they get in."""
