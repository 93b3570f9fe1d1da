"""How the models of a chunk are trained, and which way is chosen for a job."""
