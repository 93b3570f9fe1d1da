"""The checks, a file for each kind of component and for what all kinds have in common."""
