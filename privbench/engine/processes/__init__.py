"""How chunks are trained side by side: worker processes, threads and the progress they report."""
