"""What training a population consists of, however it is run; imports no other folder of the engine."""
