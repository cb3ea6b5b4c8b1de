"""What binds a run: a digest of every file, chained lines, the list of starts, and statements about all of these."""
