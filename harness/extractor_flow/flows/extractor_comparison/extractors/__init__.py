"""Feature extractors by name; importing this package, ``presets`` or ``parameters`` imports no torch."""
