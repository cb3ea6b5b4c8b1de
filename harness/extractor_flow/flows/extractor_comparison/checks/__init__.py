"""What a job's files are held to."""
