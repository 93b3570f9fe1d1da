"""What outlives a run: artifacts of stages, the database of results, and where they came from."""
