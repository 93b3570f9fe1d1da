"""Built-in attacks: the contracts in base.py and synthetic.py, and one component per file."""
