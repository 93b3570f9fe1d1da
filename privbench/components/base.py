"""Define components: frozen pydantic models, whose fields are their parameters.

    class Loss(Attack):
        '''Log-probability of the label.'''
        name = "loss"
        paper = "Yeom et al. 2018, arXiv 1709.01604"

        def score(self, view): ...

A class is looked up by kind and name in a :class:`Registry`; an :class:`Entry` remembers which
distribution it came from, and :meth:`Entry.build` checks the parameters that a user wrote.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

KINDS = ("dataset", "generator", "mechanism", "model", "attack", "executor")


class Component(BaseModel):
    """The base of everything that a plugin can register.

    A subclass sets ``name``, which benchmarks.toml uses, and ``paper`` if there is one. Its fields are
    its parameters. Each needs a description, bounds where they exist, and a default unless the user
    has to choose. No field may have the name of an attribute or method of the base classes.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        defer_build=True,  # until registration, where a mistake is one plugin's failure
        protected_namespaces=(),  # registration refuses such names too, one component at a time
    )

    kind: ClassVar[str]
    name: ClassVar[str]
    paper: ClassVar[str] = ""
    seedless: ClassVar[frozenset[str]] = frozenset()
    """Parameters that do not seed random draws, so that their values are compared on the same draws."""

    def code_used(self) -> tuple[str, ...]:
        """Return what else its results depend on: names of installed packages, or paths of Python files.

        The version of each package, or a digest of the code where it has no release, enters the keys of
        stages, so that results are computed anew when it changes. Override it where a parameter names
        code, or where a package is all that a component wraps.
        """
        return ()

    def params(self) -> dict[str, Any]:
        """Return all parameters as JSON values."""
        return self.model_dump(mode="json")
