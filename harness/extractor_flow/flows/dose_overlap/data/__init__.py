"""Frames: measured or simulated, thinned, checked and stored."""
