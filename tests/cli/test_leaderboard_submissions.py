"""``privbench leaderboard export``, ``verify`` and ``merge``, from a run to the folder of data."""

import json
import random

import pytest

from privbench.report.document import read_document

from .helpers import refused


@pytest.fixture
def exported(cli, config, tmp_path):
    """``noisy.json`` of a run of the benchmark ``small``."""
    assert cli("run", "small", "-c", config, "-k", "not naive", "--set", "attacks=['loss', 'gap']",
               "--set", "knowledge=['adaptive']").exit_code == 0  # fmt: skip
    result = cli("leaderboard", "export", "small", "noisy", "-o", "noisy.json", "--authors", "<b>")
    assert result.exit_code == 0, result.output
    assert "noisy.json: not eligible for the leaderboard of privbench: 4 models" in result.stderr
    return tmp_path / "noisy.json"


def test_from_a_run_to_the_leaderboard(cli, exported, tmp_path, monkeypatch):
    # A secret seed may refuse an honest submission, and which trials are sampled is random.
    monkeypatch.setattr(
        "privbench.leaderboard.submissions.rerun.random.SystemRandom", lambda: random.Random(0)
    )
    monkeypatch.setattr(
        "privbench.leaderboard.submissions.rerun.os.urandom", lambda n: bytes(n - 1) + b"\x07"
    )
    content = json.loads(exported.read_text())
    assert content["submission"]["defenses"] == ["noisy"]
    assert content["submission"]["about"]["authors"] == "<b>"
    assert {row["defense"] for row in read_document(exported).run.rows} == {"none", "noisy"}
    assert cli("table", "noisy.json").exit_code == 0
    small = "not eligible: 4 models (allowed: at least 16); 1 seed (allowed: at least 3)"
    result = cli("leaderboard", "verify", "noisy.json", "--any-size")
    assert result.exit_code == 0
    assert result.stdout == f"noisy.json: consistent, 8 rows\nnoisy.json: {small}\n"
    for command in (("verify", "noisy.json"), ("merge", "noisy.json", "--into", "data")):
        result = cli("leaderboard", *command)
        assert (result.exit_code, small in result.stderr) == (2, True)
        assert "secret seeds" not in result.stdout  # before anything is computed again

    result = cli("leaderboard", "merge", "noisy.json", "--into", "data", "--label", "spot-checked",
                 "--share", "0.01", "--seeds", "1", "--device", "cpu", "--any-size")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "secret seeds: " in result.stdout
    assert "REFUSED" not in result.stdout
    check = json.loads((tmp_path / "data/submissions/checks/noisy.json").read_text())
    assert check["label"] == "spot-checked"
    assert len(check["secret_seeds"]) == 1

    taken = cli("leaderboard", "merge", "noisy.json", "--into", "data")
    refused(taken, "there is one of this name")
    assert "secret seeds" not in taken.stdout  # before anything is computed again

    content["rows"][0]["auc"] = 0.123
    exported.write_text(json.dumps(content))
    refused(
        cli("leaderboard", "verify", "noisy.json"), "submission.digest", "rows[0]", "auc: 0.123"
    )


def test_bad_input(cli, exported):
    def export(*arguments):
        return cli("leaderboard", "export", *arguments)

    refused(export("small", "nosy", "-o", "a.json"), "DEFENSE 'nosy'", "allowed: none, noisy")
    refused(export("large", "noisy", "-o", "a.json"), "'large'")
    refused(export("small", "noisy", "-o", "a.txt"), "a.txt", "allowed: .json")
    refused(export("small", "noisy", "-o", "a.json", "--name", "../../x"), "--name '../../x'")
    refused(export("small", "noisy", "-o", "a.json", "--paper", "javascript:alert()"), "--paper")
    again = ("leaderboard", "verify", "noisy.json", "--any-size", "--rerun")
    for arguments, message in {
        ("--share", "0"): "share",
        ("--share", "1.5"): "share",
        ("--seeds", "0"): "seeds",
    }.items():
        result = cli(*again, *arguments)
        assert (result.exit_code, message in result.stderr) == (2, True)
    refused(cli("leaderboard", "verify", "missing.json"), "missing.json", "No such file")
