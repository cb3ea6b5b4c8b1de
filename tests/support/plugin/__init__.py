"""Projects in which the plugin is at work."""
