"""What the trained jobs show together: statistics seed by seed, and the verdict computed from them."""
