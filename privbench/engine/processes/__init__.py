"""Train chunks in parallel, in worker processes or threads, and report their progress."""
