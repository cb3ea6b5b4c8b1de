"""``extractor-flow verify`` is added here."""
