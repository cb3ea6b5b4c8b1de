"""Training one extractor."""
