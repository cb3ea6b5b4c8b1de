"""What the saved models of a job say: what they would call, their weights, where they came from, their optimizer."""
