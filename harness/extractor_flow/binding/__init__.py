"""What binds a run: the digest of every file, chains of lines, the list of starts, and statements about all of it."""
