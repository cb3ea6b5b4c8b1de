"""What is judged: a run's own files, loaded once, and what follows from them, for every check of the core."""
