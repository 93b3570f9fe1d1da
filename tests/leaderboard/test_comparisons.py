from __future__ import annotations

from dataclasses import replace

import pytest

from privbench.leaderboard.board import Board
from privbench.leaderboard.comparisons import comparison_data, differences_from
from privbench.report.differences import Differences

from .sites import site


@pytest.fixture
def board() -> Board:
    return site().boards[0]


def test_differences_are_first_less_second_with_their_interval(board: Board) -> None:
    data = comparison_data(replace(board, differences=Differences(lambda *_: (0.01, 10**6))))
    assert [entry["name"] for entry in data["entries"]][:2] == ["dp-sgd[epsilon=4]", "vae-metric"]
    value, low, high, paired = data["pairs"]["auc"]["0-1"]
    assert value == pytest.approx(0.53 - 0.55)
    assert (low, high) == (pytest.approx(-0.0396, abs=1e-4), pytest.approx(-0.0004, abs=1e-4))
    assert paired is True
    assert len(data["pairs"]["auc"]) == 6 * 5 / 2


def test_what_is_not_stored_is_unpaired(board: Board) -> None:
    assert comparison_data(board)["pairs"]["tpr"]["0-3"][3] is False


def test_differences_from_one_defense_have_one_direction(board: Board) -> None:
    data = comparison_data(board)
    names = [entry["name"] for entry in data["entries"]]
    less_none = {entry["name"]: row for entry, row in differences_from(data, names.index("none"))}
    assert set(less_none) == set(names) - {"none"}
    assert less_none["dp-sgd[epsilon=4]"]["auc"][0] == pytest.approx(0.53 - 0.75)
    assert less_none["rounding"]["auc"][0] == pytest.approx(0.60 - 0.75)
    low, high = less_none["rounding"]["auc"][1:3]
    assert low < -0.15 < high


def test_a_defense_that_was_not_attacked_is_left_out(board: Board) -> None:
    entries = [replace(board.entries[0], ranked_by=None), *board.entries[1:]]
    data = comparison_data(replace(board, entries=entries))
    assert data["entries"][0]["name"] == "vae-metric"
