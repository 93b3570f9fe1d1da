import pytest

from ..helpers import printed, refused


@pytest.fixture
def two(add):
    """Two runs: of the second, one AUC differs by more than chance, one by less, and a row is new."""
    add({}, {"attack": "b"}, {"attack": "c"}, remark="x=1")
    add(
        {"auc": 0.95, "auc_ci": [0.94, 0.96]}, {"attack": "b", "auc": 0.76}, {"attack": "c"},
        {"attack": "d"}, remark="x=2", environment={"python": "3.12"},
    )  # fmt: skip


def test_what_differs_by_more_than_chance(cli, two):
    result = cli("runs", "diff", "1", "2")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "remark x=1 x=2" in lines
    assert "python 3.11 3.12" in lines
    assert "d/none/m, a, adaptive, records, seed 0" in lines
    assert "AUC .750 [.700 .800] .950 [.940 .960] +.200 [+.140 +.260] no*" in lines
    assert "d/none/m, b, adaptive, records, seed 0" not in lines
    assert "rows: 1 rows with the same numbers, 2 with others, 1 only in run 2" in lines
    end = " ".join(lines[-4:])
    assert "of 2 differences, 1 exclude 0" in end
    assert "1 rows whose differences cover 0 are left out (--all)" in end
    assert "*: unpaired" in end


def test_all_of_it(cli, two):
    text = " ".join(cli("runs", "diff", "1", "2", "--all").stdout.split())
    assert "d/none/m, b, adaptive, records, seed 0" in text
    assert ".760 [.700 .800] +.010 [-.100 +.120] yes*" in text


def test_as_json(cli, two):
    found = printed(cli("runs", "diff", "1", "2", "--json"))
    assert found["runs"] == [1, 2]
    assert {"key": "python", "first": "3.11", "second": "3.12"} in found["versions"]
    first, second = found["rows"]["changed"]
    assert [n["covers_0"] for n in first["numbers"]] == [False]
    assert [n["covers_0"] for n in second["numbers"]] == [True]
    assert found["rows"]["only_second"] == ["d/none/m, d, adaptive, records, seed 0"]


def test_a_run_and_itself(cli, two):
    text = cli("runs", "diff", "1", "1").stdout
    assert "settings: the same" in text
    assert "rows: 3 rows with the same numbers, 0 with others" in text


def test_what_cannot_be_compared(cli, two, tmp_path):
    from privbench.storage.results import Results

    empty = Results(tmp_path / "results").start_run("b", {})
    refused(cli("runs", "diff", "1", str(empty)), "no rows to compare")
    refused(cli("runs", "diff", "1", "17"), "ID 17")


def test_two_runs_of_a_benchmark_are_paired_by_their_artifacts(cli, run):
    chosen = ("small", "-k", "none and loss and adaptive")
    run(*chosen)
    run(*chosen, "--set", "mlp.epochs=30")
    found = printed(cli("runs", "diff", "1", "2", "--json"))
    assert {"key": "models.mlp.params.epochs", "first": 1, "second": 30} in found["settings"]
    (changed,) = found["rows"]["changed"]
    numbers = {number["measure"]: number for number in changed["numbers"]}
    auc = numbers["auc"]
    assert auc["paired"]
    assert auc["difference"] == pytest.approx(auc["second"] - auc["first"])
    assert auc["difference_ci"][0] < auc["difference"] < auc["difference_ci"][1]
    assert numbers["accuracy"]["paired"]
