"""The bug bank: what is audited, and which of the bugs are refuted (docs/bug-bank.md).

The last test runs the whole bank, and a hundred times what is correct: ``make test-slow``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import privbench

HERE = Path(__file__).parent
REFUTED = {
    "boxes": ["unclipped", "same-noise", "microbatches"],
    "released": ["exponential-norm", "bare-labels", "copier"],
    "ballots": ["half-noise", "step-short"],
}
"""The bugs that the audit sees, by benchmark; two others are invisible to it."""
INVISIBLE = ["shuffled", "floored-batch"]
CORRECT = {
    "boxes": ["correct", "loop"],
    "released": ["metric-privacy", "labels-too", "histogram"],
    "ballots": ["correct"],
}


def audited(benchmark, results, defenses=(), **changes):
    """Return the rows of a benchmark of the bank."""
    return privbench.run(
        benchmark, config=HERE / "bank.toml", plugins=HERE / "bank.py", results=results,
        device="cpu", select=" or ".join(f"/{name}" for name in defenses) or None, set=changes,
    )  # fmt: skip


def refuted(rows):
    """Return the defenses (without parameters) with a refuted row."""
    names = rows.loc[rows.verdict == "refuted", "defense"]
    return sorted({name.partition("[")[0] for name in names})


@pytest.mark.parametrize("benchmark", ["boxes", "released"])
def test_bugs_are_refuted_and_what_is_correct_is_not(benchmark, tmp_path):
    shown = REFUTED[benchmark] + CORRECT[benchmark]
    rows = audited(benchmark, tmp_path, shown)
    assert set(rows.status) == {"ok"}
    assert {name.partition("[")[0] for name in rows.defense} == set(shown)
    assert refuted(rows) == sorted(REFUTED[benchmark])


@pytest.mark.slow
def test_what_is_correct_leaks_about_as_much_as_it_may(tmp_path):
    # Otherwise a bug that is not refuted would say nothing.
    rows = audited("ballots", tmp_path, ["correct", "half-noise"], population=300)
    canaries = rows[rows.subset == "canaries"].set_index("defense")
    # A Gaussian shift of 1.0 (epsilon 4.4 for replacing) has an AUC of Phi(1 / sqrt(2)).
    assert canaries.auc["correct"] == pytest.approx(0.76, abs=0.08)
    assert canaries.verdict.to_dict() == {"correct": "consistent", "half-noise": "refuted"}


@pytest.mark.slow
def test_eight_of_ten_bugs_are_refuted(tmp_path):
    found = [name for benchmark in REFUTED for name in refuted(audited(benchmark, tmp_path))]
    assert sorted(found) == sorted(name for names in REFUTED.values() for name in names)


@pytest.mark.slow
def test_of_a_hundred_correct_runs_none_is_refuted(tmp_path):
    # Five mechanisms with twenty seeds, each run corrected for its own verdicts only.
    for seed in range(20):
        for benchmark in ("boxes", "released"):
            rows = audited(benchmark, tmp_path, CORRECT[benchmark], seeds=[seed])
            assert set(rows.status) == {"ok"}
            assert refuted(rows) == [], f"{benchmark}, seed {seed}"
