"""Kinds of tampering with a published run."""
