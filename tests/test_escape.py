"""Each escaped name is read by a reader of the format, which has to find the name and nothing else."""

import csv
import io
import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest
from hostile import NAMES
from markdown_it import MarkdownIt  # rich needs it, and so privbench has it

from privbench.escape import (
    csv_cell,
    json_text,
    latex,
    markdown,
    markdown_code,
    markdown_paragraph,
    one_line,
    plot_text,
    terminal,
)

LATEX = {
    r"\textbackslash{}": "\\", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#", r"\%": "%",
    r"\_": "_", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~", r"\textbar{}": "|",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textasciigrave{}": "`", "{''}": '"', "{[}": "[",
    "{]}": "]", "{*}": "*", "-{}": "-", "'{}": "'", r"$\mu$": "μ", r"\'{e}": "é", r"\l{}": "ł",
    r"\ss{}": "ß", r"\~{n}": "ñ",
}  # fmt: skip
"""Commands of LaTeX, and the text that they print."""
LATEX_TOKEN = re.compile("|".join(map(re.escape, LATEX)) + r"|[^\\{}$&#%_^~\[\]*]")
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

every_name = pytest.mark.parametrize("name", NAMES, ids=ascii)


def visible(text, kept=""):
    """Whether all characters have a picture, but for some that may be there."""
    unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return all(
        ch in kept or not (unicodedata.category(ch) in unseen or ch in "\ufe0f\u3164")
        for ch in text
    )


def text_of(token):
    """The text of a line of Markdown that has nothing but text."""
    assert {child.type for child in token.children} <= {"text", "text_special"}
    return "".join(child.content for child in token.children)


def test_there_are_names_for_each_format():
    assert len(set(NAMES)) == len(NAMES) >= 100


@every_name
def test_a_terminal_shows_text_and_keeps_lines(name):
    assert visible(terminal(name), "\n\t")
    assert visible(one_line(name))
    assert terminal(name).count("\n") == name.count("\n")
    seen = [ch for ch in name if visible(ch) and not ch.isspace()]
    left = iter(one_line(name))
    assert all(ch in left for ch in seen)  # in this order


@every_name
def test_markdown_has_a_cell_and_a_paragraph_of_text(name):
    table = f"| {markdown(name)} | b |\n|---|---|\n| {markdown(name)} | c |\n\n"
    tokens = PARSER.parse(f"{table}{markdown_paragraph(name)}\n\n| x |\n")
    cells = [text_of(token) for token in tokens if token.type == "inline"]
    shown = one_line(name)
    assert cells == [shown, "b", shown, "c", shown, "| x |"]
    assert [token.type for token in tokens[-6:]] == [
        "paragraph_open",
        "inline",
        "paragraph_close",
    ] * 2


@every_name
def test_markdown_has_code(name):
    (cell, _, _, _) = [
        token
        for token in PARSER.parse(f"| {markdown_code(name)} | b |\n|---|---|\n| c | d |\n")
        if token.type == "inline"
    ]
    allowed = {"<code>", "</code>"}
    assert {c.content for c in cell.children if c.type == "html_inline"} <= allowed
    assert "".join(c.content for c in cell.children if c.content not in allowed) == one_line(name)


@every_name
def test_csv_has_a_cell_that_is_no_formula(name):
    ((cell, other),) = csv.reader(io.StringIO(_csv_line(csv_cell(name), "b")))
    assert other == "b"
    assert cell.removeprefix("'") == one_line(name).removeprefix("'")
    assert visible(cell)
    assert not cell.startswith(("=", "+", "-", "@", "＝", "\t", "\r"))


def _csv_line(*cells):
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


@pytest.mark.parametrize("text", ["-0.5", "+1", "-1e-09", "-.020 [-.030 +.010]†", "-", "-Infinity"])
def test_csv_keeps_numbers(text):
    assert csv_cell(text) == text


@every_name
def test_latex_prints_the_text(name):
    """Compiled with pdfTeX (TeX Live 2022), too, when it was written."""
    shown = one_line(name)
    text = latex(name)
    assert LATEX_TOKEN.sub("", text) == ""
    printed = LATEX_TOKEN.sub(lambda token: LATEX.get(token[0], token[0]), text)
    numbered = "".join(ch if ord(ch) < 0x180 else f"U+{ord(ch):04X}" for ch in shown)
    assert printed == numbered.replace("µ", "μ")
    assert not re.match(r"[\[*]", text)  # an argument of what ends the line before
    assert not re.search("--|''(?!})|[?!]`", text)  # ligatures


@every_name
def test_json_gives_the_text_back(name):
    text = json_text({name: [name]}, indent=1)
    assert json.loads(text) == {name: [name]}
    assert visible(text, "\n")


@pytest.mark.filterwarnings("ignore:Glyph")
def test_plots_show_the_text():
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from privbench.report.plots import settings

    file = io.StringIO()
    with settings():
        figure = Figure()
        for name in NAMES:
            figure.text(0, 0, plot_text(name))
        assert not any(text._preprocess_math(text.get_text())[1] for text in figure.findobj(Text))
        figure.savefig(file, format="svg")
    root = ElementTree.fromstring(file.getvalue())
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text.strip() for text in texts] == [one_line(name) for name in NAMES]
