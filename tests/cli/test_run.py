"""The options of ``privbench run``. What a run computes is tested in tests/test_runner.py."""

import sys

import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost
from privbench.storage.results import COLUMNS, Results

from .helpers import printed, refused, statuses

# The row of the first release, written out: to rename a column is a change for every reader.
ROW = [
    *("benchmark", "dataset", "defense", "model", "attack", "observes", "knowledge"),
    *("subset", "seed"),
    *("status", "reason", "test_accuracy", "train_accuracy", "auc", "auc_ci", "tpr_at_fpr"),
    *("balanced_accuracy", "advantage", "guarantee", "audited_epsilon", "verdict"),
    *("column_fidelity", "pairwise_fidelity", "n_members", "n_nonmembers", "n_models"),
    *("test_accuracy_ci", "test_balanced_accuracy", "test_balanced_accuracy_ci"),
    *(
        "majority_accuracy",
        "majority_difference_ci",
        "utility_key",
        "n_test",
        "n_reference",
        "n_public",
        "canary_kind",
    ),
    *("queries", "warnings"),
    *("metrics_key", "audit", "calibrated_tpr_at_fpr", "precision", "record_risk"),
    "clipped_share",
    *("seconds", "key"),
]
ONE = ("-k", "none and loss and adaptive", "--json")  # one trial


def test_a_table_on_stdout(run):
    result = run("small", "-k", "none and loss")
    assert result.exit_code == 0
    assert result.stdout.startswith("small")
    assert {"none", "loss*"} <= set(result.stdout.split())  # * for the best of two rows
    assert "small" not in result.stderr  # which tells of stages


def test_json_is_a_list_of_rows(cli, config):
    rows = printed(cli("run", "small", "--set", "mlp.epochs=1", "--json"))
    assert [list(row) for row in rows] == [ROW] * 16
    assert {row["subset"] for row in rows} == {"records", "canaries"}
    assert {row["knowledge"] for row in rows} == {"adaptive", "naive"}
    for row in rows:
        assert list(row["tpr_at_fpr"]) == ["0.001", "0.01"]
        assert all(set(tpr) == {"value", "ci", "resolved"} for tpr in row["tpr_at_fpr"].values())
        low, high = row["auc_ci"]
        assert 0 <= low <= row["auc"] <= high <= 1
    guarantees = {row["defense"]: row["guarantee"] for row in rows}
    assert guarantees["none"] is None
    assert {"kind", "epsilon", "delta", "conditions"} <= set(guarantees["noisy"])


def test_the_same_rows_are_stored(run, cli):
    rows = printed(run("small", *ONE))
    assert printed(cli("table", "small", "--json")) == rows


def test_all_benchmarks_run_if_that_is_asked_for(run, another):
    another()
    assert [row["benchmark"] for row in printed(run("--all", *ONE))] == ["small", "another"]
    refused(run("small", "--all"), "--all", "leave out 'small'")


def test_without_a_name_and_a_terminal_benchmarks_are_listed(run, another, tmp_path):
    another()
    another("broken", line='models = ["mpl"]')
    result = run()
    refused(result, "which benchmark?", "benchmarks.toml", "--all for all 9 trials")
    lines = [line.split() for line in result.stderr.splitlines() if line.startswith("  ")]
    assert ["small", "8", "trials"] in lines
    assert ["another", "1", "trial"] in lines
    assert "did you mean 'mlp'?" in result.stderr
    assert not (tmp_path / "results").exists()


def test_the_list_says_how_long_the_last_complete_run_took(run, tmp_path):
    results = Results(tmp_path / "results")
    for seconds, remark in ((95.0, ""), (7.0, "population=2")):
        number = results.start_run("small", {}, remark)
        results.add(number, [dict.fromkeys(COLUMNS)])
        results.finish_run(number, seconds)
    refused(run(), "small  8 trials; 1 min 35 s last time")


@pytest.mark.parametrize(
    ("answer", "benchmark"), [("2", "another"), ("small", "small"), ("3\nsmal\n1", "small")]
)
def test_at_a_terminal_the_answer_is_a_number_or_a_name(
    config, another, monkeypatch, answer, benchmark
):
    another()
    monkeypatch.chdir(config.parent)
    module = sys.modules["privbench.cli.run"]  # its name in the package is the command
    monkeypatch.setattr(module, "is_interactive", lambda: True)
    group = build_cli(PluginHost(installed=False))
    result = CliRunner().invoke(group, ["run", "--dry-run", "--json"], input=f"{answer}\n")
    assert {line["benchmark"] for line in printed(result)["stages"]} == {benchmark}
    assert "1  small    8 trials" in result.stderr
    if answer.startswith("3"):
        assert "there is no '3'; 1 to 2, or a name" in result.stderr
        assert "there is no 'smal'; did you mean small?" in result.stderr


def test_named_benchmarks_run_in_that_order(run, another):
    another()
    rows = printed(run("another", "small", *ONE))
    assert [row["benchmark"] for row in rows] == ["another", "small"]


def test_an_unknown_benchmark(run):
    refused(run("smal"), "benchmarks.toml", "'smal'", "did you mean 'small'?", "(allowed: ")


def test_a_file_elsewhere(run, config):
    config.rename(config.with_name("elsewhere.toml"))
    refused(run("small"), "unknown benchmark 'small'", "quickstart")  # of the file that ships
    assert statuses(printed(run("small", "-c", "elsewhere.toml", *ONE))) == {"loss": "ok"}
    refused(run("small", "-c", "nowhere.toml"), "-c nowhere.toml", "no such file")


def test_a_file_without_benchmarks(cli, tmp_path):
    (tmp_path / "empty.toml").write_text("")
    refused(cli("run", "-c", "empty.toml"), "empty.toml", "no benchmarks")


def test_a_plugin_in_a_file(run, attack):
    both = 'attacks=["loss", "mine"]'
    rows = printed(run("small", "-p", attack(), "--set", both, "-k", "none", "--json"))
    assert statuses(rows) == {"loss": "ok", "mine": "ok"}
    assert len({row["auc"] for row in rows}) == 1  # both score by the loss


def test_a_plugin_in_a_module(run, attack, monkeypatch):
    path = attack(file="an_attack_module.py")
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    rows = printed(
        run("small", "-p", path.stem, "--set", 'attacks=["mine"]', "-k", "none", "--json")
    )
    assert statuses(rows) == {"mine": "ok"}


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "CPU", ""])
def test_no_device(run, name):
    refused(run("small", "--device", name), f"--device {name}", "allowed: auto, cpu, cuda")


def test_a_device_that_is_not_there(run, tmp_path):
    refused(run("small", "--device", "cuda:99"), "--device cuda:99", "CUDA devices")
    assert not (tmp_path / "results" / "results.sqlite").exists()


def test_results_go_where_an_option_or_a_variable_says(run, tmp_path, monkeypatch):
    rows = printed(run("small", *ONE, "--results", "deep/down"))
    assert (tmp_path / "deep" / "down" / "results.sqlite").is_file()
    assert not (tmp_path / "results").exists()
    monkeypatch.setenv("PRIVBENCH_RESULTS", "deep/down")
    assert printed(run("small", *ONE)) == rows  # as it is stored: even the seconds are the same


@pytest.mark.parametrize("folder", ["blobs.npz", "blobs.npz/below"])
def test_results_cannot_go_below_a_file(run, folder):
    refused(run("small", *ONE, "--results", folder), "--results", folder)


def test_selection(run):
    rows = printed(run("small", "-k", "lira and not (naive or noisy)", "--json"))
    found = [(row["defense"], row["attack"], row["knowledge"]) for row in rows]
    assert found == [("none", "lira", "adaptive")]


def test_to_select_nothing_is_bad_input(run):
    refused(run("small", "-k", "shokri"), "-k selects none", "'small'; no name has 'shokri'")
    refused(run("small", "-k", "lyra and npz"), "no name has 'lyra'; did you mean 'lira'?\n")
    refused(run("small", "-k", "lira and"), "-k 'lira and'", "a word is missing")


def test_to_select_nothing_of_one_of_the_benchmarks_is_not(run, another):
    another()
    rows = printed(run("--all", "-k", "logistic", "--json"))
    assert {row["benchmark"] for row in rows} == {"another"}


def test_settings_change_the_benchmark_and_parameters(run):
    (before,) = printed(run("small", *ONE))
    (after,) = printed(run("small", *ONE, "--set", "population=6", "--set", "mlp.hidden=[2]"))
    assert (before["n_models"], after["n_models"]) == (4, 6)
    assert before["train_accuracy"] != after["train_accuracy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("population", ["--set population", "KEY=VALUE"]),
        ("population=1", ["--set population: 1", "greater than or equal to 2"]),
        ("mlp.lr=-1", ["--set mlp.lr: -1", "greater than 0"]),
        ("mlp.epoch=1", ["--set mlp.epoch: mlp has no parameter", "did you mean 'epochs'?"]),
        ("mpl.epochs=1", ["--set mpl.epochs: no dataset, model", "did you mean 'mlp'?"]),
        ("attacks=lira", ["--set attacks: 'lira' is no list", '["lira"]']),
        ("rmia.gamma=2", ["is called 'rmia'", """to add it, --set 'attacks=[..., "rmia"]'"""]),
        ("selena.k=2", ["is called 'selena'", """to add it, --set 'defenses=[..., "selena"]'"""]),
        ("attacks=[lira]", ["--set attacks: [lira] is not TOML", '["lira"]']),
        ('attacks=["lyra"]', ["--set attacks[0]", "'lira'", "(a plugin of yours? give -p)"]),
        ("popluation=3", ["--set popluation", "did you mean 'population'?"]),
    ],
)
def test_wrong_settings(run, text, words):
    refused(run("small", "--set", text), *words)


def test_a_view_with_a_line_an_attack(run):
    result = run("small", "-k", "none", "--view", "attacks")
    assert result.exit_code == 0
    assert {"loss", "lira"} <= set(result.stdout.split())


def test_an_unknown_view(run):
    refused(run("small", "--view", "rows"), "'rows' (allowed: summary, utility, attacks, ")
