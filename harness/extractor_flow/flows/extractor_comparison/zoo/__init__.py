"""Turns published hyperparameters into the config of a comparison."""
