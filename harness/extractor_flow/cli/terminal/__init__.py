"""What a person at a terminal sees: progress while a run goes on, and what came of it."""
