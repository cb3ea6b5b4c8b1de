"""Places to run jobs: each takes job directories and reports what happened in them."""
