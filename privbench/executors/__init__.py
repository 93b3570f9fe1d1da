"""Built-in executors: the contract in base.py, then one component a file."""
