"""The runs that a session's tests judge."""
