"""Selection of trials by their names: ``-k EXPR``, with ``and``, ``or``, ``not`` and parentheses.

A word matches anywhere in a name; what is in double quotes (a JSON string) is the whole name of a trial.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from privbench.bounds import MAX_NESTING
from privbench.components.messages import near, short
from privbench.errors import BadInput
from privbench.escape import json_text

Selector = Callable[[str], bool]
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()]+', re.DOTALL)
MAX_LENGTH = 10_000
"""Characters of an expression: room for the names of 200 trials."""


def selector(expression: str | None) -> Selector:
    """Return the predicate on trial names that an expression means; None selects every trial.

    A word matches anywhere in a name, in lower or upper case. What is in double quotes must be the whole
    name.

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


def exactly(*names: str) -> str:
    """Return the expression that selects trials of these names and no others.

    >>> exactly("digits/none/mlp/lira/adaptive/seed=0")
    '"digits/none/mlp/lira/adaptive/seed=0"'
    """
    return " or ".join(json_text(name) for name in names)


def unmatched(expression: str, names: Iterable[str]) -> str:
    """Return which words of an expression match no name, each with one that it may mean.

    >>> unmatched("lyra and not naive", ["digits/none/mlp/lira/naive/seed=0"])
    "; no name has 'lyra'; did you mean 'lira'?"
    """
    known = list(names)
    parts = {part for name in known for part in name.split("/")}

    def hint(word: str) -> str:
        if _is_quoted(word):
            return f"; no name is {word}{near(word[1:-1], known)}"
        return f"; no name has {word!r}{near(word, parts)}"

    missing = [
        word
        for word in dict.fromkeys(_TOKEN.findall(expression))
        if word not in ("and", "or", "not", "(", ")") and not any(map(_matcher(word), known))
    ]
    return "".join(map(hint, missing))


def _is_quoted(token: str) -> bool:
    return len(token) > 1 and token[0] == token[-1] == '"'


def _matcher(token: str) -> Selector:
    """Return the predicate that a word or a name in quotes means.

    Raises:
        BadInput: a name in quotes is no JSON string.
    """
    if not _is_quoted(token):
        word = token.lower()
        return lambda name: word in name.lower()
    try:
        whole = json.loads(token, strict=False)
    except ValueError:
        raise BadInput(f"-k: {token} is no JSON string; write \\\\ for \\") from None
    return lambda name: name == whole


class _Parser:
    """Recursive descent parser: alternatives of conjunctions of factors."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = _TOKEN.findall(expression)
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
        return _matcher(self.tokens.pop(0))

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
