"""Hand a function to third-party code without handing over what the function holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn
from weakref import WeakKeyDictionary


class Sealed:
    """A function whose closure cannot be reached by attribute access from the object handed out.

    An attack gets ``query``, ``module`` and ``progress`` in this form, since the functions behind them
    hold models, membership and the run itself.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, function: Callable[..., Any]) -> None:
        _FUNCTIONS[self] = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _FUNCTIONS[self](*args, **kwargs)

    def __copy__(self) -> Sealed:
        return self

    def __deepcopy__(self, memo: object) -> Sealed:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a model or function that privbench hands out cannot be pickled")


_FUNCTIONS: WeakKeyDictionary[Sealed, Callable[..., Any]] = WeakKeyDictionary()
