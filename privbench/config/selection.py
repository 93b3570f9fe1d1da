"""Selection of trials by their names: ``-k EXPR``, with ``and``, ``or``, ``not`` and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from privbench.bounds import MAX_NESTING
from privbench.components.messages import near, short
from privbench.errors import BadInput

Selector = Callable[[str], bool]
MAX_LENGTH = 10_000
"""Characters of an expression: room for the names of 200 trials."""


def selector(expression: str | None) -> Selector:
    """Return the predicate on trial names that an expression means; None selects every trial.

    A word matches anywhere in a name, in lower or upper case.

    >>> selector("lira and not (naive or dp-sgd)")("digits/none/mlp/lira/adaptive/seed=0")
    True

    Raises:
        BadInput: the expression is malformed.
    """
    if expression is None:
        return lambda name: True
    if len(expression) > MAX_LENGTH:
        raise BadInput(f"-k: {len(expression)} characters (allowed: {MAX_LENGTH})")
    parser = _Parser(expression)
    predicate = parser.alternatives()
    if parser.tokens:
        raise BadInput(f"-k {short(expression)}: unexpected {short(parser.tokens[0])}")
    return predicate


def unmatched(expression: str, names: Iterable[str]) -> str:
    """Return which words of an expression match no name, each with one that it may mean.

    >>> unmatched("lyra and not naive", ["digits/none/mlp/lira/naive/seed=0"])
    "; no name has 'lyra'; did you mean 'lira'?"
    """
    known = list(names)
    parts = {part for name in known for part in name.split("/")}
    words = dict.fromkeys(re.findall(r"[^\s()]+", expression))
    missing = [
        word
        for word in words
        if word not in ("and", "or", "not") and not any(word.lower() in n.lower() for n in known)
    ]
    return "".join(f"; no name has {word!r}{near(word, parts)}" for word in missing)


class _Parser:
    """Recursive descent parser: alternatives of conjunctions of factors."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = re.findall(r"[()]|[^\s()]+", expression)
        self.depth = 0

    def alternatives(self) -> Selector:
        options = [self.conjunction()]
        while self._take("or"):
            options.append(self.conjunction())
        return lambda name: any(option(name) for option in options)

    def conjunction(self) -> Selector:
        factors = [self.factor()]
        while self._take("and"):
            factors.append(self.factor())
        return lambda name: all(factor(name) for factor in factors)

    def factor(self) -> Selector:
        if self._take("not"):
            with self._nested():
                inner = self.factor()
            return lambda name: not inner(name)
        if self._take("("):
            with self._nested():
                inner = self.alternatives()
            if not self._take(")"):
                raise BadInput(f"-k {short(self.expression)}: a parenthesis is not closed")
            return inner
        if not self.tokens or self.tokens[0] in (")", "and", "or"):
            raise BadInput(
                f"-k {short(self.expression)}: a word is missing; example: 'lira and not naive'"
            )
        word = self.tokens.pop(0).lower()
        return lambda name: word in name.lower()

    @contextmanager
    def _nested(self) -> Iterator[None]:
        """Count a level, which takes some of the stack, here and in each call of the predicate."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise BadInput(
                f"-k {short(self.expression)}: nested too deeply (allowed: {MAX_NESTING} levels)"
            )
        yield
        self.depth -= 1

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False
