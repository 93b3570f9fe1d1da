from __future__ import annotations

import re
from dataclasses import replace

import pytest

from privbench.leaderboard.board import Board, Curve, Number
from privbench.leaderboard.pictures import (
    NARROW,
    ROC_SIZE,
    ROC_X,
    ROC_Y,
    WIDE,
    Axis,
    band_of,
    bar,
    path_of,
    roc_lines,
    tradeoff,
)

from .sites import site


@pytest.fixture
def board() -> Board:
    return site().boards[0]


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_a_linear_axis_maps_and_clips() -> None:
    axis = Axis(0.5, 1.0, 100.0, 0.0)
    assert [axis(v) for v in (0.5, 0.75, 1.0, 0.2, 2.0)] == [100.0, 50.0, 0.0, 100.0, 0.0]
    assert [text for _, text in axis.ticks()] == ["0.5", "0.6", "0.7", "0.8", "0.9", "1"]


def test_a_logarithmic_axis_maps_decades_equally() -> None:
    axis = Axis(1e-3, 1.0, 0.0, 300.0, log=True)
    assert [axis(v) for v in (0.0, 1e-3, 1e-2, 0.1, 1.0)] == [0.0, 0.0, 100.0, 200.0, 300.0]
    assert axis.ticks() == [(0.0, "0.001"), (100.0, "0.01"), (200.0, "0.1"), (300.0, "1")]


def test_guessing_is_the_diagonal_of_the_roc_picture() -> None:
    grid = [1e-3, 1e-2, 1e-1, 1.0]
    drawn = places(path_of(Curve(grid, grid, grid, grid)))
    assert len(drawn) == 4
    assert all(x - drawn[0][0] == pytest.approx(drawn[0][1] - y, rel=0.1) for x, y in drawn[1:])


def test_a_band_goes_out_along_its_top_and_back_along_its_bottom() -> None:
    curve = Curve([0.01, 1.0], [0.1, 1.0], [0.05, 0.9], [0.2, 1.0])
    assert places(band_of(curve)) == [
        (ROC_X(0.01), ROC_Y(0.2)),
        (ROC_X(1.0), ROC_Y(1.0)),
        (ROC_X(1.0), ROC_Y(0.9)),
        (ROC_X(0.01), ROC_Y(0.05)),
    ]


def test_a_flat_part_of_a_curve_is_one_line() -> None:
    curve = Curve([0.01, 0.02, 0.05, 0.1, 1.0], [0.2, 0.2, 0.2, 0.2, 1.0], [0] * 5, [1] * 5)
    assert [x for x, _ in places(path_of(curve))] == [ROC_X(x) for x in (0.01, 0.1, 1.0)]


def test_curves_stay_within_the_picture() -> None:
    curve = Curve([0.0, 1e-5, 0.5, 1.0], [0.0, 0.0, 0.7, 1.0], [0] * 4, [1] * 4)
    assert all(0 < x < ROC_SIZE and 0 < y < ROC_SIZE for x, y in places(path_of(curve)))


def test_the_curves_of_a_defense_are_named(board: Board) -> None:
    names = [line.name for line in roc_lines(board.entries[1])]
    assert names == [
        "auto, records", "auto on mislabel, canaries", "loss, naive", "dcr, released data"
    ]  # fmt: skip


def test_an_auc_of_three_quarters_is_in_the_middle_of_its_bar() -> None:
    assert bar(Number(0.75, 0.7, 0.8)) == (40.0, 20.0, 50.0)
    assert bar(Number(0.4)) == (0.0, 1.0, 0.0)


def test_points_are_further_right_if_more_accurate_and_further_down_if_less_exposed(
    board: Board,
) -> None:
    picture = tradeoff(board)
    assert picture is not None
    place = {point.entry.defense: point for point in picture.points}
    assert place["none"].x > place["vae-metric"].x > place["public-only"].x
    assert place["none"].y < place["vae-metric"].y < place["public-only"].y
    assert picture.public_only == place["public-only"].x
    x, y = place["dp-sgd[epsilon=4]"].x, place["dp-sgd[epsilon=4]"].y
    assert picture.frontier.endswith(f" {x},{y}")


def test_names_do_not_cover_each_other(board: Board) -> None:
    entries = [
        replace(entry, accuracy=Number(0.7 + i / 500)) for i, entry in enumerate(board.entries * 3)
    ]
    picture = tradeoff(replace(board, entries=entries))
    assert picture is not None
    for labels, (width, height) in (
        ([(p.label, p.entry) for p in picture.points], WIDE),
        ([(p.narrow_label, p.entry) for p in picture.points], NARROW),
    ):
        boxes = []
        for label, entry in labels:
            if label is not None:
                x, y, anchor = label
                left = x - (width * len(entry.defense) if anchor == "end" else 0)
                boxes.append((left, y, left + width * len(entry.defense)))
        assert boxes
        for i, (left, y, right) in enumerate(boxes):
            for other_left, other_y, other_right in boxes[:i]:
                apart = right <= other_left or other_right <= left
                assert apart or abs(y - other_y) >= height - 0.11


def test_there_is_no_picture_without_attacks(board: Board) -> None:
    assert tradeoff(replace(board, entries=[replace(board.entries[0], ranked_by=None)])) is None
