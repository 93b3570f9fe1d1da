"""Paragraphs, columns and blocks, against slow or well-known references."""

import textwrap

import numpy as np
import pytest
from tabulate import tabulate

from privbench.layout import blocks, columns, fits, text_width, wrap


@pytest.fixture
def rng():
    return np.random.default_rng(16)


def words(rng, n):
    return [
        "".join(rng.choice(list("abc-/")) for _ in range(rng.integers(1, 12))) for _ in range(n)
    ]


@pytest.mark.parametrize("width", [20, 37, 80])
def test_paragraphs_are_wrapped_as_the_standard_library_does(rng, width):
    for _ in range(50):
        text = " ".join(words(rng, 30))
        expected = textwrap.wrap(
            text, width, initial_indent="  ", subsequent_indent="    ",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
        assert wrap(text, width, "  ", "    ") == expected


def test_a_long_word_is_whole_and_has_a_line_of_its_own():
    path = "/a/path/which/is/wider"
    assert wrap(f"see {path} for it", 12, rest="  ") == ["see", f"  {path}", "  for it"]
    assert wrap(path, 12, "key:  ", "  ") == ["key:", f"  {path}"]


def test_a_cut_text_fits_with_its_ellipsis():
    for width in range(8, 40):
        lines = wrap("word " * 30, width, "  ", "  ", max_lines=2)
        assert len(lines) == 2
        assert lines[1].endswith(" …")
        assert all(text_width(line) <= width for line in lines)
    assert wrap("two words", 20, max_lines=2) == ["two words"]


def test_characters_of_double_width_take_two_columns_and_lines_end_between_them():
    text = "プライバシー保護の評価" * 4
    lines = wrap(f"ab {text}", 20, rest="  ")
    assert all(text_width(line) <= 20 for line in lines)
    assert "".join(line.strip() for line in lines) == f"ab{text}"
    assert text_width("😀") == 2


@pytest.mark.parametrize(("style", "rule"), [("simple", True), ("plain", False)])
def test_columns_are_those_of_tabulate(rng, style, rule):
    for _ in range(30):
        headers = list(dict.fromkeys(words(rng, 4)))
        headers[0] += "\nsecond"
        lines = [dict(zip(headers, words(rng, len(headers)), strict=True)) for _ in range(3)]
        lines.append({headers[0]: "x"})
        expected = tabulate(lines, headers="keys", tablefmt=style, disable_numparse=True)
        stripped = [line.rstrip() for line in expected.splitlines()]
        assert columns(lines, rule=rule).splitlines() == stripped


def test_columns_of_wide_characters_are_aligned():
    text = columns([{"name": "日本", "b": "1"}, {"name": "ab", "b": "2"}], rule=False)
    assert [text_width(line.partition(end)[0]) for line, end in zip(
        text.splitlines(), ("b", "1", "2"), strict=True
    )] == [8, 8, 8]  # fmt: skip


def test_blocks_have_each_cell_by_its_name_or_among_those_without_a_value():
    line = {"defense": "vae", "AUC\n[95% CI]": ".5 [.4 .6]", "gap": "-", "why": "", "key": "k" * 34}
    text = blocks([line, {"defense": "none", "gap": ".1"}], 40, ["defense"])
    assert text.splitlines() == [
        "defense vae",
        "  AUC [95% CI]  .5 [.4 .6]",
        "  key:",
        f"      {'k' * 34}",
        "  no value: gap, why",
        "",
        "defense none",
        "  gap  .1",
    ]
    assert fits(text, 40)
    assert not fits(text, 35)
