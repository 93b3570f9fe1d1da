"""The core of the engine: jobs, losses, recipes and populations; imports no other folder of it."""
