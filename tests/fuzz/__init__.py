"""Hostile input for everything that privbench reads: `python -m tests.fuzz`, or `make fuzz`."""
