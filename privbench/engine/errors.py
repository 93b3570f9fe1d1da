"""What training can fail with."""


class Diverged(FloatingPointError):
    """A model's weights are no longer finite."""
