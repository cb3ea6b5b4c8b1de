"""The pytest plugin's hooks; standard library and pytest only at load."""
