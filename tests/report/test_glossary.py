from __future__ import annotations

import pytest

from privbench.report.glossary import glossary, term


def test_words_have_their_meaning_and_topic() -> None:
    assert term("AUC").meaning == "Area under the ROC curve over all pairs, with ties counted half."
    assert "AUC" in glossary()["Measures"]


def test_a_line_about_two_words_is_two_entries() -> None:
    assert term("member") is not term("non-member")
    assert term("member").meaning == term("non-member").meaning


def test_slugs_are_unique_anchors() -> None:
    slugs = [entry.slug for terms in glossary().values() for entry in terms.values()]
    assert len(slugs) == len(set(slugs)) > 100
    assert all(slug.replace("-", "").isalnum() for slug in slugs)


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        term("no such word")
