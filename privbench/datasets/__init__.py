"""Built-in datasets: the contract in base.py, then one component a file."""
