"""Brings published hyperparameters to the config of a comparison."""
