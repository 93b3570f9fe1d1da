"""Strategies that train the models of a chunk, and the schedule that chooses one for a job."""
