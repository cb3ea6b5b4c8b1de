"""The run under judgement: its files, loaded once, and what follows from them, for every check of the core."""
