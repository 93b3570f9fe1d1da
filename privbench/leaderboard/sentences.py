"""The sentence above a board: who wins and why, from the intervals alone."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.leaderboard.board import Entry, Number
from privbench.leaderboard.ranking import UNDEFENDED
from privbench.metrics.holm import holm
from privbench.metrics.interval import LEVEL
from privbench.report.frontier import family
from privbench.report.numbers import number, signed

REFERENCE = "mixtures of no defense, public records alone and DP-SGD"
MAX_NAMES = 4
"""Number of names in a list; of more, the rest is counted."""


def sentence(entries: Sequence[Entry], p_values: dict[str, float], n_worthless: int) -> str:
    """Return who wins a board and why, as one or two sentences.

    Args:
        entries: the entries of the board.
        p_values: the p-value of a margin of zero of each ranked defense; which margins differ from zero
            is decided for all of them together (Holm).
        n_worthless: number of defenses that are not ranked because public records alone are as good.
    """
    ranked = [entry for entry in entries if entry.rank is not None and entry.margin is not None]
    if not ranked:
        if n_worthless:
            return "No defense is shown to be more accurate than training on public records alone."
        return _without_defense(entries)
    ahead = _ahead(ranked, p_values)
    if ahead:
        first = [entry for entry in ranked if entry.rank is not None and entry.rank[0] == 1]
        if not any(entry in ahead for entry in first):
            first = ahead  # a test of one margin is weaker than one of many pairs
        text = _winner(first[0]) if len(first) == 1 else _tied(first, ahead)
        text += _elsewhere(first)
        others = [entry for entry in ahead if entry not in first]
        if others:
            text += f" {_named(others)} {_is(others)} also ahead of them."
    else:
        best = max(ranked, key=lambda entry: entry.margin.value if entry.margin else 0.0)
        text = (
            f"No defense is shown to be less exposed than {REFERENCE} at its accuracy; the best, "
            f"{best.defense}, has an AUC that is {_interval(best.margin)} lower (negative: higher)."
        )
    if n_worthless:
        is_are = "defense is" if n_worthless == 1 else "defenses are"
        text += f" {n_worthless} {is_are} not shown to be more accurate than public records alone."
    return text


def _without_defense(entries: Sequence[Entry]) -> str:
    """Return what is found in undefended models where there is nothing else."""
    if len(entries) != 1 or family(entries[0].defense) != UNDEFENDED or not entries[0].ranked_by:
        return "No defense is ranked: there are only undefended models and baselines."
    found = entries[0].ranked_by
    text = f"Models without a defense: {found.attack} has an AUC of {_interval(found.auc)}"
    if found.tpr_at_1 is None:
        return f"{text}."
    return f"{text} and finds {_interval(found.tpr_at_1)} of the members at 1% FPR."


def _ahead(ranked: Sequence[Entry], p_values: dict[str, float]) -> list[Entry]:
    differs = holm([p_values[entry.defense] for entry in ranked], 1 - LEVEL)
    return [
        entry
        for entry, is_known in zip(ranked, differs, strict=True)
        if is_known and entry.margin is not None and entry.margin.value > 0
    ]


def _winner(entry: Entry) -> str:
    return (
        f"{entry.defense} is first: at an accuracy of {number(entry.accuracy.value)} its AUC is "
        f"{_interval(entry.margin)} lower than that of "
        f"{REFERENCE}, and no other defense is as far ahead."
    )


def _tied(first: Sequence[Entry], ahead: Sequence[Entry]) -> str:
    leading = [entry for entry in first if entry in ahead]
    best = max(leading, key=lambda entry: entry.margin.value if entry.margin else 0.0)
    return (
        f"{_named(first)} cannot be told apart and share the first rank; {best.defense}, at an accuracy "
        f"of {number(best.accuracy.value)}, has an AUC that is {_interval(best.margin)} lower than that "
        f"of {REFERENCE}."
    )


def _elsewhere(first: Sequence[Entry]) -> str:
    """Return how exposed the first are to attacks that the ranking does not look at."""
    text = ""
    canaries = [entry for entry in first if entry.canaries and entry.canaries.tpr_at_1]
    if canaries:
        worst = max(canaries, key=lambda entry: _tpr(entry))
        assert worst.canaries is not None
        whose = "its" if len(first) == 1 else f"{worst.defense}'s"
        text += (
            f" Of {whose} most exposed canaries ({worst.canaries.canary_kind}), "
            f"{number(_tpr(worst))} are found at 1% FPR."
        )
    released = [entry for entry in first if entry.release]
    if released:
        worst = max(released, key=lambda entry: entry.release.auc.value if entry.release else 0.0)
        assert worst.release is not None
        whose = "its" if len(first) == 1 else f"{worst.defense}'s"
        text += (
            f" Who sees {whose} released data attacks with an AUC of "
            f"{number(worst.release.auc.value)}."
        )
    return text


def _tpr(entry: Entry) -> float:
    found = entry.canaries.tpr_at_1 if entry.canaries else None
    return found.value if found else 0.0


def _named(entries: Sequence[Entry]) -> str:
    names = [entry.defense for entry in entries]
    if len(names) > MAX_NAMES:
        names = [*names[: MAX_NAMES - 1], f"{len(names) - MAX_NAMES + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is(entries: Sequence[Entry]) -> str:
    return "is" if len(entries) == 1 else "are"


def _interval(margin: Number | None) -> str:
    assert margin is not None
    if margin.low is None or margin.high is None:
        return signed(margin.value)
    return f"{number(margin.value)} [{number(margin.low)}, {number(margin.high)}]"
