"""Training the network of one cell."""
