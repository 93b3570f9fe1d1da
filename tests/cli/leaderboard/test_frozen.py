"""``privbench leaderboard freeze | attack | judge`` as a user would type them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from privbench.auditing.reading import read_predictions
from privbench.errors import BadInput
from privbench.leaderboard.frozen import isolated

from ..helpers import printed, refused

ROOT = Path(__file__).parents[3]
NAME = "npz-none-mlp-records"
PLUGIN = """
import numpy as np
import privbench
from privbench import hookimpl

class Ratio(privbench.Attack):
    '''Difference of the mean confidences.'''
    name = "ratio"

    def score(self, view):
        phi = view.shadows.scaled_confidence(view.labels)
        member = view.shadow_member
        share = np.maximum(member.sum(0), 1), np.maximum((~member).sum(0), 1)
        inside, outside = (phi * member).sum(0) / share[0], (phi * ~member).sum(0) / share[1]
        return view.target.scaled_confidence(view.labels) - (inside + outside) / 2

@hookimpl
def register_attacks(register):
    register(Ratio)
"""


def test_scores_and_a_plugin_are_judged_alike(cli, frozen, tmp_path, monkeypatch):
    """The two steps, on two machines; and the same attack in a process of its own."""
    (tmp_path / "ratio.py").write_text(PLUGIN)
    ran = cli("leaderboard", "attack", frozen.public, "--attack", "ratio", "-p", "ratio.py",
              "-o", "scores.npz")  # fmt: skip
    assert (ran.exit_code, ran.stdout) == (0, ""), ran.output
    assert frozen.outputs.digest in ran.stderr
    by_scores = printed(
        cli("leaderboard", "judge", frozen.public, "--scores", "scores.npz", "--json")
    )
    assert by_scores["frozen"] == frozen.outputs.digest
    assert by_scores["isolated"] is None
    assert by_scores["rows"][0]["auc"] > 0.5

    def run(command, **settings):
        """Run in this process what would run in another, with nothing but what it is given."""
        assert settings["stdin"] == subprocess.DEVNULL
        assert "secret" not in repr((command, settings["env"], settings["cwd"]))
        assert not any(name.startswith("PRIVBENCH") for name in settings["env"])
        result = cli(*command[3:])
        return subprocess.CompletedProcess(command, result.exit_code, "", result.stderr)

    monkeypatch.setenv("PRIVBENCH_SECRET", "x")
    monkeypatch.setattr(isolated.subprocess, "run", run)
    arguments = ["leaderboard", "judge", frozen.public, "--attack", "ratio", "-p", "ratio.py",
                 "--not-isolated", "--json"]  # fmt: skip
    by_plugin = printed(cli(*arguments))
    assert by_plugin["rows"] == by_scores["rows"]
    assert by_plugin["judgement"] == by_scores["judgement"] + 1
    assert (by_plugin["scores"], by_plugin["isolated"]) == (by_scores["scores"], False)
    assert len(by_plugin["plugins"]["ratio.py"]) == 64

    failed = cli(*arguments[:3], "--attack", "ratio\x1b[31m", "--not-isolated")
    refused(failed, "the attack failed", "unknown attack 'ratio\\x1b[31m'")


def test_the_table(cli, frozen, tmp_path, monkeypatch):
    frozen.scores(tmp_path / "mine.npz")
    monkeypatch.chdir(frozen.public)
    result = cli("leaderboard", "judge", ".", "--scores", tmp_path / "mine.npz")
    assert result.exit_code == 0, result.output
    assert f"mine on {frozen.outputs.digest}" in result.stdout
    assert "AUC less lira's" in result.stdout
    assert result.stdout.count("1.000 [") >= 4
    assert "over models and records; judgement" in result.stdout


def test_the_program_of_the_page(cli, frozen, tmp_path):
    """NumPy is enough for an attack."""
    page = (ROOT / "docs" / "leaderboard-attacks.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "frozen").symlink_to(frozen.public)
    exec(program, {})
    ran = cli("leaderboard", "attack", "frozen", "--attack", "calibration", "-o", "ours.npz")
    assert ran.exit_code == 0, ran.output
    for name, ours in np.load("ours.npz").items():
        has_out = ~frozen.outputs.arrays(f"{name}/shadows.npz")["member"].all(0)
        np.testing.assert_allclose(
            np.load("mine.npz")[name][:, has_out], ours[:, has_out], atol=1e-4
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["give either --scores FILE or --attack NAME"]),
        (["--scores", "s.npz", "--attack", "lira"], ["give either --scores FILE"]),
        (["--scores", "s.npz", "--set", "lira.mode=offline"], ["go with --attack"]),
        (["--scores", "s.npz"], ["s.npz", "No such file"]),
        (
            ["--scores", "s.npz", "--secret", "nowhere"],
            ["--secret nowhere", "has no membership.json"],
        ),
    ],
)
def test_bad_input(cli, frozen, arguments, words):
    refused(cli("leaderboard", "judge", frozen.public, *arguments), *words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gradient", ["npz-none-mlp-records: needs the target's parameters"]),
        ("domias", ["attacks released data; frozen outputs have none"]),
        ("lyra", ["did you mean 'lira'"]),
    ],
)
def test_attacks_that_need_more_than_outputs(cli, frozen, name, words):
    refused(cli("leaderboard", "attack", frozen.public, "--attack", name, "-o", "s.npz"), *words)


def test_baselines_are_built_in(cli, frozen, tmp_path):
    (tmp_path / "ratio.py").write_text(PLUGIN)
    freeze = [
        "leaderboard",
        "freeze",
        "small",
        "-c",
        frozen.config,
        "-o",
        "frozen",
        "-p",
        "ratio.py",
    ]
    refused(cli(*freeze, "--baseline", "ratio"), "--baseline ratio: is not built in")
    refused(cli(*freeze, "--baseline", "lyra"), "--baseline: unknown attack 'lyra'")


def test_an_interrupted_freeze_goes_on_with_its_seed(cli, frozen, tmp_path):
    shutil.copytree(frozen.secret, tmp_path / "again-secret")
    (tmp_path / "again-secret" / "membership.json").unlink()
    result = cli("leaderboard", "freeze", "small", "-c", frozen.config, "-o", "again", "--records",
                 "--device", "cpu", "--baseline", "loss")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "again: 4 populations, digest" in result.stdout
    again, first = (
        json.loads((folder / "manifest.json").read_text())
        for folder in (tmp_path / "again", frozen.public)
    )
    assert again["commitment"] == first["commitment"]
    outputs = f"{NAME}/targets.npz"
    assert again["files"][outputs] == first["files"][outputs]
    with np.load(tmp_path / "again" / NAME / "pool.npz") as pool:
        assert pool["x"].shape == (96, 8)
        assert pool["reference_x"].shape == (32, 8)
    read_predictions(tmp_path / "again" / NAME / "shadows.npz")


@pytest.mark.parametrize("secret", ["public", "public/secret", "."])
def test_the_secret_must_not_be_published(cli, frozen, secret):
    refused(
        cli("leaderboard", "freeze", "small", "-c", frozen.config, "-o", "public", "--secret", secret),
        "--secret", "must be outside the public folder",
    )  # fmt: skip


def test_a_machine_that_cannot_hide_the_secret_says_what_to_do(cli, frozen, monkeypatch):
    judged = ["leaderboard", "judge", frozen.public, "--attack", "lira"]
    monkeypatch.setattr(isolated.shutil, "which", lambda name: None)
    refused(cli(*judged), "no `unshare` here", "privbench leaderboard attack", "--not-isolated")
    monkeypatch.undo()
    monkeypatch.setattr(isolated, "OUTER", ("sh", "-c", "echo not allowed >&2; exit 1"))
    with pytest.raises(BadInput, match="hidden from the attack: not allowed"):
        isolated.isolation(frozen.secret)
