"""Training one extractor with PPO."""
