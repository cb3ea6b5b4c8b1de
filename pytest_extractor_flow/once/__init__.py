"""One execution of a command a session."""

DIRECTORY_PREFIX = "extractor-flow-"
"""How the directory that a session's processes share is called, below the temporary directory."""
