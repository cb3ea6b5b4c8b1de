"""The environments: what a config names, and RobotNav."""
