"""One execution of a command a session."""
