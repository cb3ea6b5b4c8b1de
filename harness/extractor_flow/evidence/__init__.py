"""What checks are made of; flows import it."""
