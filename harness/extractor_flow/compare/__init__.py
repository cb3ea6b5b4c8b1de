"""Compares runs with one another: of one config on several machines, or of two configs that differ on purpose."""
