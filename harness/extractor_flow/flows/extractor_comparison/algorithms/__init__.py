"""What trains the policies: which algorithms there are, their settings, and what each of them leaves."""
