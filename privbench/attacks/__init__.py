"""Built-in attacks: the contract in base.py, then one component a file."""
