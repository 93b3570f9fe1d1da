"""The benchmarks run on a small share, and say what they promise; the numbers do not matter here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.delenv("PRIVBENCH_DATA_DIR", raising=False)
    before = set(sys.modules)
    import population

    yield population
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["VAE 64", "DP-SGD CNN"])
def test_a_workload_is_timed_beside_its_yardstick(bench, workload, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        bench, "first_population", lambda n: {"imports": 1.0, "first population": 2.0}
    )
    monkeypatch.setattr(bench, "OPACUS_STEPS", 10)
    file = tmp_path / "population.json"
    options = [
        "--models",
        "2",
        "--repeat",
        "1",
        "--share",
        "0.1",
        "--workload",
        workload,
        "--json",
        str(file),
    ]
    bench.main(options)
    content = json.loads(file.read_text())
    assert {"processor", "cores", "versions", "commit", "load"} <= set(content["machine"])
    (row,) = content["rows"]
    assert row["seconds"].keys() == row["taken"].keys()
    assert all(len(times) == 1 and times[0] > 0 for times in row["taken"].values())
    for name, times in row["times"].items():
        ruler = (
            row["seconds"].get(name)
            or (row["seconds"]["yardstick before"] + row["seconds"]["yardstick after"]) / 2
        )
        assert times == pytest.approx(ruler / row["seconds"]["engine, auto"])
    assert f"{row['job']:26} the engine is" in capsys.readouterr().out


def test_operations_are_counted_by_the_formula(bench):
    """4 a weight and example: forward and its gradient; 2 more for the gradient of hidden units."""
    workload = next(bench.workloads(1))
    expected = (4 * (446 * 128 + 128 * 30) + 2 * 128 * 30) * 2505 * 20
    assert workload.flops() == pytest.approx(expected)


@pytest.mark.parametrize("option", [["--repeat", "0"], ["--share", "2"], ["--models", "x"]])
def test_wrong_options_are_bad_input(bench, option):
    with pytest.raises(SystemExit) as caught:
        bench.main(option)
    assert caught.value.code == 2


@pytest.mark.parametrize("workload", ["VAE 64", pytest.param("CNN", marks=pytest.mark.slow)])
def test_a_step_is_taken_apart(bench, workload, tmp_path, monkeypatch, capsys):
    """Differences of two short runs: on a busy machine any part may come out negative here."""
    import profiles
    import torch

    monkeypatch.setattr(profiles, "additional", lambda workload: 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    file = tmp_path / "profiles.json"
    profiles.main(["--models", "2", "--repeat", "1", "--workload", workload, "--json", str(file)])
    (row,) = json.loads(file.read_text())["rows"]
    assert set(row["parts"]) == {*profiles.KINDS, "other operations", "Python"}
    assert sum(row["parts"].values()) == pytest.approx(row["microseconds"])
    assert row["floor"] == row["parts"]["products"] + row["parts"]["random numbers"]


def test_time_is_told_by_kind_of_operation(bench):
    """A run of products and of little else; sums of durations, so that noise changes no order."""
    import profiles
    import torch

    square = torch.ones(300, 300)

    def run() -> None:
        for _ in range(20):
            torch.mm(square, square)
        square.relu()

    taken = profiles.profiled(run)
    assert taken["products"] > taken["other operations"] > 0
    assert taken["random numbers"] == taken["optimizer"] == 0


def test_the_noise_of_dp_sgd_is_seen(bench):
    import profiles
    import torch

    from privbench.engine import GaussianNoise

    noise, out = GaussianNoise(0, torch.device("cpu")), torch.empty(100_000)
    taken = profiles.profiled(lambda: noise.fill(out, 1.0))
    assert taken["random numbers"] > sum(taken.values()) / 2


def test_operations_have_a_kind(bench):
    import profiles

    names = {
        "mkldnn::_linear_pointwise": "products",
        "aten::baddbmm": "products",
        "aten::_fused_adam_": "optimizer",
        "aten::normal_": "random numbers",
        "aten::index_select": "picking the batch",
        "aten::relu": "other operations",
    }
    assert {name: profiles.kind(name) for name in names} == names


def test_auto_is_compared_with_attacks_on_the_same_records(monkeypatch):
    """An adaptive one with all, a naive one with naive ones; not on released data or public records."""
    monkeypatch.syspath_prepend(str(BENCH))
    from yardstick import differences

    same = {"dataset": "d", "model": "m", "seed": 0, "observes": "probabilities"}

    def row(attack, auc, knowledge="adaptive", kind=None, defense="none", **other):
        subset = "records" if kind is None else "canaries"
        row = same | {"attack": attack, "auc": auc, "knowledge": knowledge, "defense": defense}
        return row | {"subset": subset, "canary_kind": kind} | other

    rows = [
        row("auto", 0.7), row("auto", 0.6, "naive"), row("lira", 0.65), row("loss", 0.71, "naive"),
        row("auto", 0.8, kind="twin"), row("lira", 0.9, kind="mislabel"), row("lira", 0.75, kind="twin"),
        row("auto", 0.5, defense="public-only"), row("lira", 0.52, defense="public-only"),
        row("dcr", 0.99, observes="synthetic"), row("shokri", None),
    ]  # fmt: skip
    found = [(auto["auc"], best["auc"]) for auto, best in differences(rows)]
    assert found == [(0.7, 0.71), (0.6, 0.71), (0.8, 0.75)]


def test_tightness_is_a_table_of_bounds_below_the_truth(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(
        sys, "argv", ["tightness.py", "--runs=4", "--epsilon=4", "--repeats=5", "--records=60"]
    )
    import tightness

    tightness.main()
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert len(rows) == 5
    assert all(0 <= float(median) <= min(4, float(ceiling)) for _, median, ceiling, _ in rows)
    assert any(float(median) > 0.5 for _, median, *_ in rows)


def test_tables_are_read(bench, monkeypatch, capsys):
    import read_table

    monkeypatch.setattr(sys, "argv", ["read_table.py", "--rows", "100"])
    read_table.main()
    commas, decimal_commas = capsys.readouterr().out.splitlines()
    assert commas.startswith("commas: ")
    assert decimal_commas.startswith("decimal commas: ")


def test_an_audit_of_training_is_timed_part_by_part(bench, capsys):
    import audit_training

    audit_training.main(["--records", "200", "--models", "2", "--attack", "calibration"])
    text = capsys.readouterr().out
    shares = {
        line.split("  ")[1]: float(line.split()[-1].rstrip("%"))
        for line in text.splitlines()
        if line.endswith("%")
    }
    assert set(shares) == {"training", "answers", "attack calibration", "all attacks", "the rest"}
    assert shares["all attacks"] == shares.pop("attack calibration")
    assert sum(shares.values()) == pytest.approx(100, abs=0.5)


@pytest.mark.slow
def test_an_audit_of_data_is_timed(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCH))
    import audit_data

    found = audit_data.measured(tmp_path, 200, "copy")
    assert found["tpr_at_1_percent"] >= 0.9
    assert found["processor_seconds"] > 0


@pytest.mark.slow
def test_an_audit_of_predictions_is_timed(bench, capsys):
    import audit_predictions

    audit_predictions.main(["100"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"100 records, {name}" for name in audit_predictions.CASES
    ]
