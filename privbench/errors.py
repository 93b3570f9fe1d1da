"""The exceptions whose messages are written for users; the command line prints no traceback for them."""

from __future__ import annotations


class PrivbenchError(Exception):
    """Base class of the errors whose messages are written for users."""


class BadInput(PrivbenchError):
    """Something that a user gave is wrong; the message names the key, the value and what is allowed."""


class DataError(BadInput):
    """The contents of a dataset or of a file of predictions cannot be used."""


class Incompatible(PrivbenchError):
    """Two components of a trial do not go together, so that the trial is skipped instead of failed."""


class ComponentError(PrivbenchError):
    """A component failed; the message names it and its line, and ``__cause__`` is what it raised."""


class DatasetUnavailable(PrivbenchError):
    """A dataset is not on this machine and cannot be downloaded."""


class StorageFailed(PrivbenchError):
    """Results cannot be written, as on a full disk; the run ends, and what is stored stays."""
