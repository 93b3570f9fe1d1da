"""Store artifacts of stages, and rows of results with their provenance."""
