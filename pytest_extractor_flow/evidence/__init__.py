"""The folder that ``--evidence`` leaves."""
