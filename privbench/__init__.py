"""privbench: what privacy defenses really protect, and what they cost."""

__version__ = "0.1.0"
