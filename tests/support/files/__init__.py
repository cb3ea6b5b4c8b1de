"""Genuine files of every kind, and what can be wrong with one."""
