"""Speed up training steps; every module can be left out without changing what is trained."""
