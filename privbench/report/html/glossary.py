"""The terms that a page of a report uses, whose meanings are listed at its end."""

from __future__ import annotations

import re
from dataclasses import replace

from privbench.report.glossary import Term, term


class Glossary:
    """The terms that a page uses, collected as it is written."""

    def __init__(self) -> None:
        self.used: list[Term] = []

    def __call__(self, word: str) -> Term:
        """Return a term with its meaning as plain text, and note that the page uses it.

        Raises:
            KeyError: there is no such word.
        """
        known = term(word)
        plain = replace(known, meaning=re.sub("[`*]", "", known.meaning))
        if plain not in self.used:
            self.used.append(plain)
        return plain
