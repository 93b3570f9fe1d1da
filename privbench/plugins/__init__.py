"""Plugins: the host that finds and loads them, what their authors get wrong, and the built-ins."""
