"""Judges a run by its published files, never by objects in memory."""
