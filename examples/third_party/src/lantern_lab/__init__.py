"""A small project that uses extractor-flow: a flow, an environment and a feature extractor of its own."""
