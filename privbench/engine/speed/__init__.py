"""How one training step is made fast; every module can be left out without changing what is trained."""
