"""Flows, environments, extractors and trainings that tests run."""
