"""The glossary of pages: the words of docs/vocabulary.md."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Term:
    """A word and what it means, as Markdown."""

    word: str
    slug: str
    meaning: str


@cache
def glossary() -> dict[str, dict[str, Term]]:
    """Return all words by topic, and in it by word, in the order of the vocabulary.

    A line about two words, such as "member, non-member", is an entry of both.
    """
    topics: dict[str, dict[str, Term]] = {}
    terms: dict[str, Term] = {}
    for line in _vocabulary().read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            terms = topics.setdefault(line.removeprefix("## "), {})
        elif line.startswith("| ") and not line.startswith("| word |"):
            words, meaning, _ = (cell.strip() for cell in line.strip("|").split("|", 2))
            for word in words.split(", "):
                terms[word] = Term(word, word.lower().replace(" ", "-"), meaning)
    return {topic: terms for topic, terms in topics.items() if terms}


def term(word: str) -> Term:
    """Return a word of the glossary.

    Raises:
        KeyError: there is no such word.
    """
    return ChainMap(*glossary().values())[word]


def _vocabulary() -> Path:
    package = Path(__file__).parent
    shipped = package / "vocabulary.md"  # in a wheel; a checkout has it among the docs
    return shipped if shipped.exists() else package.parents[1] / "docs" / "vocabulary.md"
