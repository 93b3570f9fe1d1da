"""Built-in target models. base.py defines the contract; each component has its own file."""
