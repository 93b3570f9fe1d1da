"""The glossary of the pages: the words of docs/vocabulary.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Term:
    """A word and what it means, as plain text."""

    word: str
    slug: str
    meaning: str


class Glossary:
    """The terms that a page uses, collected as it is written."""

    def __init__(self) -> None:
        self.used: list[Term] = []

    def __call__(self, word: str) -> Term:
        """Return a term, and note that the page uses it.

        Raises:
            KeyError: there is no such word.
        """
        term = terms()[word]
        if term not in self.used:
            self.used.append(term)
        return term


@cache
def terms() -> dict[str, Term]:
    """Return all terms by word, in the order of the vocabulary.

    A line about two words, such as "member, non-member", is an entry of both.
    """
    found = {}
    for line in _vocabulary().read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| word |"):
            words, meaning, _ = (cell.strip() for cell in line.strip("|").split("|", 2))
            for word in words.split(", "):
                slug = re.sub("[^a-z0-9]+", "-", word.lower())
                found[word] = Term(word, slug, re.sub("[`*]", "", meaning))
    return found


def _vocabulary() -> Path:
    package = Path(__file__).parent
    shipped = package / "vocabulary.md"  # in a wheel; a checkout has it among the docs
    return shipped if shipped.exists() else package.parents[2] / "docs" / "vocabulary.md"
