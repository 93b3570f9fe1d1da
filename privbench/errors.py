"""The exceptions that privbench raises on purpose; the command line prints them without a traceback."""

from __future__ import annotations


class PrivbenchError(Exception):
    """Base of every error whose message is written for the user."""


class BadInput(PrivbenchError):
    """The user wrote something wrong; the message names the key, the value and what is allowed."""


class DataError(BadInput):
    """A dataset is there, but its contents cannot be used."""


class Incompatible(PrivbenchError):
    """Two parts of a trial do not go together: the trial is skipped, not failed."""


class ComponentError(PrivbenchError):
    """A component raised; the message names it and the line of its code, the cause is what it raised."""


class DatasetUnavailable(PrivbenchError):
    """A dataset is not there and cannot be fetched."""
