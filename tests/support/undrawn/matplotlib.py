"""Stands in a process's path where it is to draw nothing: loading the real one costs as much as a tiny training."""

msg = "there is no matplotlib"
raise ImportError(msg)
