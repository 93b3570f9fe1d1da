"""What a run leaves on disk: artifacts of stages, and the database of results with its provenance."""
