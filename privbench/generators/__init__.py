"""Built-in generators: the contract in base.py, then one component a file."""
