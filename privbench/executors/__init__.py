"""Built-in executors. base.py defines the contract; each component has its own file."""
