"""What a user sees on the terminal: progress during a run, and its outcome."""
