"""Built-in models: the contract in base.py, then one component a file."""
