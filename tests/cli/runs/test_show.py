import pytest

from ..helpers import printed, refused

CONFIGURATION = {
    "models": [{"label": "mlp", "name": "mlp", "params": {"lr": 1.0, "hidden": [3], "big": False}}],
    "defenses": [
        {"label": "none", "generator": None, "mechanisms": []},
        {
            "label": "dp",
            "generator": None,
            "mechanisms": [{"name": "dp-sgd", "params": {"a": None}}],
        },
    ],
    "canaries": {"share": 0.1},
    "seeds": [0],
}


def test_settings_versions_and_failures(cli, add):
    bad = {"status": "failed", "reason": "scores: NaN"}
    add(
        {}, bad, bad | {"seed": 1}, bad | {"subset": "canaries", "canary_kind": "twin"},
        remark="population=4", configuration=CONFIGURATION, command="privbench run b",
    )  # fmt: skip
    result = cli("runs", "show", "1")
    assert result.exit_code == 0
    shown = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "run 1", "changes population=4", "command privbench run b", "status complete",
        "trials 4 finished, 1 with results, 3 failed", "stages 1 min 35 s, whenever computed",
        "models mlp(lr=1.0, hidden=[3], big=false)", "defenses none; dp = dp-sgd(a=none)",
        "canaries.share 0.1", "python 3.11", "2 trials failed: scores: NaN",
    ):  # fmt: skip
        assert line in shown, line


def test_as_json(cli, add):
    add({"status": "failed", "reason": "r"}, configuration=CONFIGURATION)
    found = printed(cli("runs", "show", "b", "--json"))
    assert (found["id"], found["configuration"]) == (1, CONFIGURATION)
    assert found["failures"] == [{"reason": "failed: r", "trials": 1}]


def test_a_run_of_which_nothing_is_known(cli, add, tmp_path):
    """One that was interrupted before its first trial, of an older privbench."""
    import sqlite3

    add()
    with sqlite3.connect(tmp_path / "results" / "results.sqlite") as database:
        database.execute(
            "INSERT INTO runs (benchmark, started_at, environment) VALUES ('c', 'x', '{}')"
        )
    database.close()
    result = cli("runs", "show", "2")
    assert result.exit_code == 0
    assert "interrupted" in result.stdout


def test_there_is_no_such_run(cli, add):
    refused(cli("runs", "show", "1"), "there are no runs")
    add()
    refused(cli("runs", "show", "2"), "ID 2", "allowed: 1, or a benchmark: b")


@pytest.mark.parametrize(
    ("words", "missing"), [(["show"], "ID"), (["diff"], "ID1"), (["diff", "1"], "ID2")]
)
def test_without_an_id_a_message_says_where_ids_are(cli, words, missing):
    refused(cli("runs", *words), f"{missing} is missing; `privbench runs` lists the IDs of runs")
