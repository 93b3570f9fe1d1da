"""The site of committed and of made-up runs: entries, order, sentences and names of pages."""

from dataclasses import replace
from pathlib import Path

import pytest

from privbench.errors import BadInput
from privbench.leaderboard.board import Attacked, Number
from privbench.leaderboard.entries import command_of, overrides_of
from privbench.leaderboard.sentences import sentence
from privbench.leaderboard.site import Slugs, make_site
from privbench.report.document import read_document
from privbench.storage.results import Run

QUICKSTART = Path(__file__).parents[2] / "results" / "quickstart.json"


@pytest.fixture(scope="module")
def document():
    return read_document(QUICKSTART)


@pytest.fixture(scope="module")
def board(document):
    (board,) = make_site([document]).boards
    return board


def changed(document, change):
    """Return a document whose rows are changed."""
    rows = [change(dict(row)) for row in document.run.rows]
    return replace(document, run=replace(document.run, rows=rows))


def test_all_defenses_are_on_the_board_ranked_ones_first(board, document):
    assert {e.defense for e in board.entries} == {row["defense"] for row in document.run.rows}
    kinds = [0 if e.rank else 1 if e.not_ranked == "a baseline" else 2 for e in board.entries]
    assert kinds == sorted(kinds)
    baselines = {e.defense for e in board.entries if e.not_ranked == "a baseline"}
    assert baselines == {"none", "public-only", "dp-sgd[epsilon=4]", "dp-sgd[epsilon=8]"}


def test_numbers_are_those_of_the_rows(board, document):
    for entry in board.entries:
        (row,) = [
            row for row in document.run.rows
            if (row["defense"], row["attack"], row["knowledge"], row["subset"])
            == (entry.defense, "auto", "adaptive", "records")
        ]  # fmt: skip
        assert entry.ranked_by.auc == Number(row["auc"], *row["auc_ci"])
        assert entry.accuracy.value == row["test_accuracy"]
        naive = [
            row["auc"] for row in document.run.rows
            if (row["defense"], row["knowledge"], row["subset"]) == (entry.defense, "naive", "records")
        ]  # fmt: skip
        assert entry.naive.auc.value == max(naive)
        assert len(entry.attacked) == sum(r["defense"] == entry.defense for r in document.run.rows)


def test_failed_rows_are_kept_and_a_defense_without_results_is_left_out(document):
    def fail(row):
        is_failed = row["defense"] == "vae-metric" or row["attack"] == "loss"
        return row | {"status": "failed", "reason": "x"} if is_failed else row

    (board,) = make_site([changed(document, fail)]).boards
    assert "vae-metric" not in {e.defense for e in board.entries}
    assert board.unmeasured == [("vae-metric", "failed: x")]
    for entry in board.entries:
        assert {row["attack"] for row in entry.failed} == {"loss"}
        assert "loss" not in {a.attack for a in entry.attacked}


def test_there_is_no_board_where_all_attacks_see_released_data(document):
    on_data = changed(document, lambda row: row | {"observes": "synthetic"})
    assert make_site([on_data]).boards == []


def test_what_is_as_accurate_as_public_records_is_not_ranked(document):
    public = next(r for r in document.run.rows if r["defense"] == "public-only")

    def worsen(row):
        if row["defense"] != "vae-metric":
            return row
        names = ("test_accuracy", "test_accuracy_ci", "utility_key")
        return row | {name: public[name] for name in names}

    (board,) = make_site([changed(document, worsen)]).boards
    (entry,) = [e for e in board.entries if e.defense == "vae-metric"]
    assert entry.rank is None
    assert entry.not_ranked == "not shown to be more accurate than public-only"
    assert board.entries[-1] is entry
    assert board.sentence.endswith(
        "1 defense is not shown to be more accurate than public records alone."
    )


def test_two_seeds_are_one_entry(document):
    rows = [row | {"seed": seed} for seed in (0, 1) for row in document.run.rows]
    both = replace(document, run=replace(document.run, rows=rows))
    (board,) = make_site([both]).boards
    assert board.seeds == [0, 1]
    assert len(board.entries) == 6


def only(document, chosen):
    """Return a document with the rows of some defenses."""
    rows = [row for row in document.run.rows if chosen(row["defense"])]
    return replace(document, run=replace(document.run, rows=rows))


def test_a_submission_joins_the_board_of_its_benchmark(document, board):
    """Split in two, a run gives the board that it gives as a whole, but for the label."""
    ours = only(document, lambda defense: defense != "vae-metric")
    submitted = only(document, lambda defense: defense in ("none", "public-only", "vae-metric"))
    (joined,) = make_site([ours], [(submitted, "rerun")]).boards
    assert [e.defense for e in joined.entries] == [e.defense for e in board.entries]
    assert {e.defense: e.label for e in joined.entries if e.label} == {"vae-metric": "rerun"}
    for entry, expected in zip(joined.entries, board.entries, strict=True):
        assert (entry.rank, entry.accuracy) == (expected.rank, expected.accuracy)
        if entry.margin:
            assert entry.margin.value == pytest.approx(expected.margin.value)


def test_a_submission_to_another_benchmark_has_a_board_of_its_own(document):
    other = only(document, lambda defense: defense in ("none", "public-only", "vae-metric"))
    other = replace(other, run=replace(other.run, benchmark="other"))
    first, second = make_site([document], [(other, "spot-checked")]).boards
    assert (first.benchmark, second.benchmark) == ("quickstart", "other")
    assert {e.label for e in first.entries} == {""}
    labels = {e.defense: e.label for e in second.entries}
    assert labels == {"vae-metric": "spot-checked", "none": "", "public-only": ""}


def renamed(document, old, new):
    rows = [row | {"defense": new} if row["defense"] == old else row for row in document.run.rows]
    return replace(document, run=replace(document.run, rows=rows))


@pytest.mark.parametrize("name", ["dp-sgd[mine]", "none[better]", "output-noise"])
def test_a_submission_under_the_name_of_a_baseline_or_of_another_is_refused(document, name):
    submitted = only(document, lambda defense: defense in ("none", "public-only", "vae-metric"))
    with pytest.raises(BadInput, match="has a defense"):
        make_site([document], [(renamed(submitted, "vae-metric", name), "rerun")])


@pytest.mark.parametrize(("key", "value"), [("seeds", [0, 1]), ("population", 4), ("attacks", [])])
def test_a_submission_to_a_changed_benchmark_is_refused(document, key, value):
    ours = only(document, lambda defense: defense != "vae-metric")
    submitted = only(document, lambda defense: defense in ("none", "public-only", "vae-metric"))
    configuration = submitted.run.configuration | {key: value}
    other = replace(submitted, run=replace(submitted.run, configuration=configuration))
    with pytest.raises(BadInput, match=f"has other {key}"):
        make_site([ours], [(other, "rerun")])


def test_slugs_of_hostile_names_are_safe_and_unique(document):
    hostile = ["../../etc/passwd", "<script>", "<style>", "é", "a" * 500, ""]
    slugs = Slugs()
    found = [slugs.of(name) for name in hostile * 2]
    assert len(set(found)) == len(found)
    for slug in found:
        assert slug.replace("-", "").isalnum()
        assert slug.isascii()
        assert len(slug) < 100


def test_the_command_has_the_overrides_of_the_run():
    assert overrides_of("") == []
    remark = "population=64, seeds=[0, 1, 2], mlp.epochs=[5, 6], -k 'vae and x=1'"
    assert overrides_of(remark) == ["population=64", "seeds=[0, 1, 2]", "mlp.epochs=[5, 6]"]


def test_the_command_names_plugins_of_one_file():
    environment = {"plugins": {"/home/me/hop.py": "hop.py", "installed": "installed 1.0"}}
    run = Run("b", "", "", "", None, environment, None, [])
    assert command_of("hop", run) == "privbench run b -p hop.py -k /hop/"


def test_a_condition_that_is_not_met_is_a_flag(board):
    flags = {entry.defense: [flag.code for flag in entry.flags] for entry in board.entries}
    assert "U" in flags["vae-metric"]
    assert "U" not in flags["dp-sgd[epsilon=8]"] + flags["output-noise"] + flags["none"]


def test_attacks_have_documentation_and_all_their_results(document):
    site = make_site([document])
    for attack in site.attacks:
        assert attack.doc
        assert len(attack.results) == sum(r["attack"] == attack.attack for r in document.run.rows)


def entry(board, name, rank, margin, not_ranked=""):
    (known,) = [e for e in board.entries if e.defense == "output-noise"]
    number = None if margin is None else Number(*margin)
    return replace(known, defense=name, rank=rank, margin=number, not_ranked=not_ranked)


AHEAD, BEHIND, UNKNOWN = (0.05, 0.03, 0.07), (-0.05, -0.07, -0.03), (0.01, -0.01, 0.03)


@pytest.mark.parametrize(
    ("entries", "p_values", "worthless", "text"),
    [
        ([], {}, 0, "No defense is ranked"),
        ([], {}, 3, "No defense is shown to be more accurate than training on public records alone."),
        ([("a", (1, 1), AHEAD), ("b", (2, 2), BEHIND)], {"a": 0.0, "b": 0.0}, 0, "a is first: "),
        (
            [("a", (1, 2), AHEAD), ("b", (1, 2), AHEAD)], {"a": 0.0, "b": 0.0}, 0,
            "a and b cannot be told apart and share the first rank",
        ),
        ([("a", (1, 2), UNKNOWN), ("b", (1, 2), BEHIND)], {"a": 0.3, "b": 0.0}, 0,
         "No defense is shown to be less exposed than"),
        ([("a", (1, 1), AHEAD), ("b", (2, 2), AHEAD)], {"a": 0.0, "b": 0.0}, 0,
         "b is also ahead of them."),
        ([("a", (1, 1), UNKNOWN), ("b", (2, 2), AHEAD)], {"a": 0.3, "b": 0.0}, 0, "b is first: "),
        ([("a", (1, 1), AHEAD)], {"a": 0.0}, 2,
         "2 defenses are not shown to be more accurate than public records alone."),
    ],
)  # fmt: skip
def test_sentences(board, entries, p_values, worthless, text):
    made = [entry(board, *values) for values in entries]
    assert text in sentence(made, p_values, worthless)


def test_models_without_a_defense_alone(board, document):
    """What is found in them; such a board comes after those that rank defenses."""
    none = [e for e in board.entries if e.defense == "none"]
    text = sentence(none, {}, 0)
    found = none[0].ranked_by
    assert text.startswith(f"Models without a defense: {found.attack} has an AUC of ")
    assert text.endswith("of the members at 1% FPR.")
    rows = [row | {"benchmark": "a"} for row in document.run.rows if row["defense"] == "none"]
    alone = replace(document, run=replace(document.run, benchmark="a", rows=rows))
    assert [b.benchmark for b in make_site([alone, document]).boards] == [board.benchmark, "a"]


def test_many_single_tests_do_not_make_a_winner(board):
    """One of 40 margins without an effect is below .05 by chance; Holm does not take it for one."""
    names = [f"d{i}" for i in range(40)]
    made = [entry(board, name, (1, 40), UNKNOWN) for name in names]
    p_values = dict.fromkeys(names, 0.5) | {"d3": 0.03}
    assert sentence(made, p_values, 0).startswith("No defense is shown to be less exposed than")


def test_the_sentence_says_what_the_ranking_does_not_look_at(board):
    (known,) = [e for e in board.entries if e.defense == "output-noise"]
    release = Attacked("dcr", "adaptive", None, Number(0.987), None, None, {})
    made = [replace(known, rank=(1, 1), margin=Number(*AHEAD), release=release)]
    text = sentence(made, {"output-noise": 0.0}, 0)
    assert "(mislabel), .840 are found at 1% FPR." in text
    assert "released data attacks with an AUC of .987." in text
