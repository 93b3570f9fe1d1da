"""The terms that a page uses."""

import pytest

from privbench.report.glossary import glossary
from privbench.report.html.glossary import Glossary


def test_meanings_are_plain_text():
    member = Glossary()("member")
    assert "A pool record in the training set of a given model" in member.meaning
    for word in (word for words in glossary().values() for word in words):
        assert not any(mark in Glossary()(word).meaning for mark in "`*")


def test_a_page_lists_the_words_that_it_uses_once():
    used = Glossary()
    for word in ("AUC", "shadow", "AUC"):
        used(word)
    assert [term.word for term in used.used] == ["AUC", "shadow"]
    with pytest.raises(KeyError):
        used("no such word")
