"""The numbers of defenses that pages of audits show are those of the committed results."""

from pathlib import Path

import pytest

from privbench.auditing.measured import FILE, measured_defenses, summary_of, text_of

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.slow  # make check-results
@pytest.mark.skipif(not RESULTS.is_dir(), reason="the results are not part of the source package")
def test_the_file_is_what_the_committed_results_give():
    assert FILE.read_text() == text_of(summary_of(RESULTS.glob("*.json*")))


def test_what_another_defense_beats_in_both_is_left_out():
    for board in measured_defenses():
        lines = board["defenses"]
        assert len(lines) > 2
        for line in lines:
            if line["defense"] in ("none", "public-only"):
                continue
            better = [
                other["defense"]
                for other in lines
                if other["test_accuracy"] >= line["test_accuracy"]
                and other["tpr"] < line["tpr"]
                and other is not line
            ]
            assert not better, (line["defense"], better)


def test_every_board_compares_with_no_defense_and_begins_with_the_least_exposed():
    for board in measured_defenses():
        found = [line["tpr"] for line in board["defenses"]]
        assert found == sorted(found)
        assert "none" in {line["defense"] for line in board["defenses"]}
