"""The pytest plugin of the harness: one real run a session, hardware markers, lane reports."""
