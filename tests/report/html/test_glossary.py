"""The glossary is docs/vocabulary.md."""

import pytest

from privbench.report.html.glossary import Glossary, terms


def test_words_of_one_line_share_a_meaning_without_markup():
    member, other = terms()["member"], terms()["non-member"]
    assert member.meaning == other.meaning
    assert (member.slug, other.slug) == ("member", "non-member")
    assert "A pool record in the training set of a given model" in member.meaning
    assert not any(mark in term.meaning for term in terms().values() for mark in "`*")


def test_a_page_lists_the_words_that_it_uses_once():
    glossary = Glossary()
    for word in ("AUC", "shadow", "AUC"):
        glossary(word)
    assert [term.word for term in glossary.used] == ["AUC", "shadow"]
    with pytest.raises(KeyError):
        glossary("no such word")
