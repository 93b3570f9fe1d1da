"""What a component says about itself."""

from __future__ import annotations

import inspect
import re

from privbench.components import summary
from privbench.testing.findings import Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@checks(after=())
def is_accepted(subject: Subject) -> None:
    """The class is accepted when it registers: name, parameters, methods, declared values."""
    assert subject.entry  # check_class raises what is wrong, with a message for the author


@checks(after=())
def has_a_conventional_name(subject: Subject) -> None:
    """Its name has lower-case letters, digits and single hyphens only."""
    if not NAME.fullmatch(subject.entry.name):
        raise Violation(
            f"name = {subject.entry.name!r}: names are words of lower-case letters and digits, joined"
            " by hyphens, such as 'label-only'"
        )


@checks(after=())
def describes_itself(subject: Subject) -> None:
    """Class and parameters are described: a docstring that begins with a sentence, descriptions."""
    cls = subject.entry.cls
    if not inspect.cleandoc(vars(cls).get("__doc__") or ""):
        raise Violation(
            f"{cls.__qualname__} has no docstring; `privbench show` prints its first line"
        )
    if not summary(cls).rstrip().endswith("."):
        raise Violation(
            f"the docstring of {cls.__qualname__} begins with {summary(cls)!r}, expected a sentence on"
            " one line that ends in a full stop"
        )
    if silent := [name for name, info in cls.model_fields.items() if not info.description]:
        raise Violation(f"no description of {', '.join(silent)}: write Field(..., description=...)")
