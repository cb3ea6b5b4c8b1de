"""Lane reports."""
