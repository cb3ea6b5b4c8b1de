"""The network, its physics, and the ways from frames to an object."""
