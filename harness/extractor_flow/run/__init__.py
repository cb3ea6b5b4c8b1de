"""From a config to a run directory: jobs, sessions, publishing, archives."""
