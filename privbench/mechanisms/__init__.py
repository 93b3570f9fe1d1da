"""Built-in mechanisms: the contract in base.py, then one component a file."""
