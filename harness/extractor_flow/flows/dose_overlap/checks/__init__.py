"""What a cell's files are held to."""
