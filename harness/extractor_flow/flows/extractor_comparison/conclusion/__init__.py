"""What the trained jobs say together: statistics seed by seed, and the verdict computed from them."""
