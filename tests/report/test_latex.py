"""Tables as LaTeX: what stands where, and what is bold."""

import pytest

from privbench.report.latex import BEST_NOTE, PREAMBLE, latex_tables
from privbench.report.tables import Table


@pytest.fixture
def table():
    lines = [{"name": "a_b", "AUC\n[95% CI]": "-.010 [-.020 +.010]"}, {"name": "[c]", "x": "-"}]
    best = {"AUC\n[95% CI]": frozenset([0]), "gone": frozenset([1])}
    return Table("50%: t", lines, ("δ=1e-05",), best=best)


def test_a_table_is_a_float_with_caption_and_notes(table):
    assert latex_tables([table]).splitlines() == [
        PREAMBLE.strip(),
        r"\begin{table}",
        r"\centering\footnotesize",
        r"\caption{50\%: t}",
        r"\begin{tabular}{lll}",
        r"\toprule",
        r"name & \shortstack[l]{AUC \\ {[}95\% CI{]}} & x \\",
        r"\midrule",
        r"a\_b & \textbf{$-$.010 {[}$-$.020 +.010{]}} &  \\",
        r"{[}c{]} &  & - \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        r"\begin{minipage}{\linewidth}\raggedright",
        BEST_NOTE.replace("%", r"\%") + r"\par",
        r"$\delta$=1e-05\par",
        r"\end{minipage}",
        r"\end{table}",
    ]


def test_what_is_not_there_is_left_out(table):
    """A note on bold numbers where none is bold, a caption, a table without columns."""
    text = latex_tables([Table("", [{"a": "b"}], best={"gone": frozenset([0])})])
    assert "bold" not in text
    assert "caption" not in text
    assert "minipage" not in text
    assert "tabular" not in latex_tables([Table("t", [], ("no row",))])
