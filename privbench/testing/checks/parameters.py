"""The parameters of a component: that they are checked, stored, told apart, and read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from privbench.components import Bound, Component
from privbench.components.messages import error_text
from privbench.errors import BadInput
from privbench.seeds import digest
from privbench.testing.comparing import differ
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject
from privbench.testing.values import others, outside, schema_of

MOST_VALUES = 6
"""How many other values of a parameter are tried."""


@checks(after=("is_accepted",))
def parameters_survive_storage(subject: Subject) -> None:
    """Parameters are the same after JSON, pickle and a copy, and their digest and repr are stable."""
    component = subject.bound.component
    params = component.params()
    again = subject.build(**json.loads(json.dumps(params))).component
    for how, other in (
        ("JSON", again),
        ("pickle", _unpickled(component)),
        ("a copy", component.model_copy()),
    ):
        if type(other) is not type(component) or other.params() != params or other != component:
            raise Violation(
                f"after {how} it has the parameters {other.params()}, expected {params}"
            )
    if digest(params) != digest(again.params()):
        raise Violation(f"two digests of the same parameters differ: {params}")
    if " at 0x" in repr(component) or repr(component) != repr(again):
        raise Violation(f"its repr is not that of an equal component: {component!r}, {again!r}")


def _unpickled(component: Component) -> Any:
    try:
        # What is unpickled was pickled one line before.
        return pickle.loads(pickle.dumps(component))
    except Exception as error:  # whatever a component's own methods raise
        raise Violation(f"it cannot be pickled: {error_text(error)}") from error


@checks(after=("is_accepted",))
def refuses_wrong_parameters(subject: Subject) -> None:
    """Unknown parameters, and values beyond bounds or of another type, are refused by name and value."""
    cls, params = subject.entry.cls, dict(subject.params)
    _ = subject.bound  # it can be built without the change
    tried = [("no_such_parameter", 1)]
    tried += [(name, v) for name in cls.model_fields for v in outside(schema_of(cls, name))]
    for name, value in tried:
        try:
            cls(**{**params, name: value})
        except ValidationError as error:
            text = str(error)
            if name not in text:
                raise Violation(f"{name} = {value!r} is refused without its name: {text}") from None
            if name in cls.model_fields and str(value) not in text:
                raise Violation(
                    f"{name} = {value!r} is refused without the value: {text}"
                ) from None
        except Exception as error:  # whatever a component's own validators raise
            raise Violation(
                f"{name} = {value!r} raises {error_text(error)}, expected a ValueError of a validator"
            ) from error
        else:
            allowed = (
                "an unknown parameter" if name not in cls.model_fields else "outside of its bounds"
            )
            raise Violation(f"{name} = {value!r} is accepted, which is {allowed}")


@checks()
def every_parameter_matters(subject: Subject) -> None:
    """Another value of each parameter changes what is returned or stated; executors read each."""
    cls = subject.entry.cls
    if not cls.model_fields:
        raise NotApplicable("it has no parameters")
    unknown = sorted(set(subject.inert) - set(cls.model_fields))
    if unknown:
        raise Violation(f"inert names {', '.join(unknown)}, which is no parameter")
    why = _why_unread if cls.kind == "executor" else _why_inert
    problems = [why(subject, name) for name in cls.model_fields if name not in subject.inert]
    if found := "; ".join(problem for problem in problems if problem):
        raise Violation(
            f"{found}. Remove such a parameter, or declare it in `inert` with the reason"
        )


def _why_unread(subject: Subject, name: str) -> str:
    """Return that a parameter is not read; empty if it is. Rows depend on no parameter of executors."""
    with _reads(subject.bound.component) as read:
        subject.run()
    return "" if name in read else f"{name} is never read"


def _why_inert(subject: Subject, name: str) -> str:
    """Return why a parameter seems to change nothing; empty if it changes something.

    It is tried with the other parameters as they are, and then with each other choice of one of those,
    since many a parameter is read in one mode only.
    """
    if name in subject.problem.of_the_harness:
        return ""
    cls, tried, was_read = subject.entry.cls, [], False
    for context in ({}, *_contexts(subject, name)):
        now = {**subject.bound.component.params(), **context}[name]
        values = [now, *others(schema_of(cls, name), now)[:MOST_VALUES]]
        bounds = [b for v in values if (b := _built(subject, {**context, name: v})) is not None]
        if len(bounds) < 2:
            continue
        with _reads(bounds[0].component) as read:
            first = _told(subject, bounds[0])
        was_read |= name in read
        if context and name not in read:
            continue
        for bound in bounds[1:]:
            tried.append(str(bound.component.params()[name]))
            if differ(first, _told(subject, bound)):
                return ""
    if not tried:
        return ""  # a text, or one that others forbid to change: there is nothing to try
    how = "is read, but changes nothing" if was_read else "is never read"
    return f"{name} {how} (tried {', '.join(dict.fromkeys(tried))})"


def _contexts(subject: Subject, name: str) -> Iterator[dict[str, Any]]:
    """Yield other choices of single parameters: a word, a switch, a number instead of none."""
    cls = subject.entry.cls
    now = subject.bound.component.params()
    for other in cls.model_fields:
        schema = schema_of(cls, other)
        is_choice = "enum" in schema or schema.get("type") == "boolean" or "anyOf" in schema
        if other != name and is_choice:
            for value in others(schema, now[other]):
                yield {other: value}


def _built(subject: Subject, changes: dict[str, Any]) -> Bound | None:
    try:
        return subject.build(**changes)
    except BadInput:  # a check of several parameters together refuses them
        return None


def _told(subject: Subject, bound: Bound) -> Any:
    """Return what a component returns, and what else it tells of itself; the reason if it cannot run."""
    try:
        problem = subject.problem_for(bound)
        return {"results": subject.run(bound), "states": problem.states(bound)}
    except (Violation, NotApplicable) as problem:
        return {"results": {}, "states": str(problem)}


@contextmanager
def _reads(component: Component) -> Iterator[set[str]]:
    """Collect the names of the parameters of a component that are read from it meanwhile."""
    cls: Any = type(component)
    names, read = set(cls.model_fields), set()
    before = vars(cls).get("__getattribute__")

    def reading(self: Any, name: str) -> Any:
        if self is component and name in names:
            read.add(name)
        return before(self, name) if before else super(cls, self).__getattribute__(name)

    cls.__getattribute__ = reading
    try:
        yield read
    finally:
        if before is None:
            del cls.__getattribute__
        else:
            cls.__getattribute__ = before
