"""``privbench audit`` with the files that people have, as they would type it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .helpers import printed

CASES = Path(__file__).parent.parent / "cases"


@pytest.fixture
def case(tmp_path):
    """Return a copy of an input of a user."""

    def copy(name):
        return Path(shutil.copy(CASES / name, tmp_path))

    return copy


def test_member_as_0_and_1_and_labels_as_text(cli, case):
    result = cli("audit", case("05-member-as-0-1.npz"), "--attack", "loss", "--json")
    assert result.exit_code == 0, result.output
    found = printed(result)
    assert found["n_records"] == 240
    assert found["attacks"]["loss"]["auc"] > 0.85
    (read,) = found["inputs"][0]["read_as"]
    assert "the classes a, b, c are taken for the columns" in read


def test_predictions_as_a_table(cli, case):
    chosen = ("--label", "label", "--member", "member", "--attack", "loss", "--json")
    table = printed(cli("audit", case("06-predictions-as-table.csv"), *chosen))
    arrays = printed(cli("audit", case("05-member-as-0-1.npz"), "--attack", "loss", "--json"))
    assert table["attacks"]["loss"]["auc"] == arrays["attacks"]["loss"]["auc"]
    assert table["inputs"][0]["read_as"] == ["probs: p_a, p_b, p_c"]
    assert [one["name"] for one in table["warnings"]] == ["rounded-outputs"]
    wrong = cli("audit", "06-predictions-as-table.csv", "--label", "lable")
    assert wrong.exit_code == 2
    assert (
        "column lable is missing; did you mean 'label'? (allowed: label, member, p_a"
        in wrong.stderr
    )


def test_a_table_says_what_an_array_file_says(cli, case, tmp_path):
    table = pd.read_csv(case("06-predictions-as-table.csv"))
    names = ["p_a", "p_b", "p_c"]
    np.savez(tmp_path / "same.npz", probs=table[names].to_numpy(),
             labels=table.label.to_numpy(str), member=table.member.to_numpy())  # fmt: skip
    texts = []
    for name in ("same.npz", "06-predictions-as-table.csv"):
        result = cli("audit", name, "--attack", "loss", "--attack", "gap")
        texts.append([line for line in result.stdout.splitlines() if not line.startswith("read: ")])
    assert texts[0] == texts[1]


def test_two_non_members_are_warned_of_and_exceed_every_limit(cli, case):
    chosen = ("audit", case("07-few-non-members.npz"), "--attack", "loss")
    result = cli(*chosen)
    assert result.exit_code == 0
    assert "warning: Only 2 non-members among 240 records; so few say nothing" in result.stdout
    assert "a TPR at 1% FPR needs at least 100 non-members" in result.stdout
    for limit in ("auc=0.99", "tpr@0.01=0.99", "advantage=0.9", "audited_epsilon=20"):
        judged = cli(*chosen, "--fail-above", limit)
        assert judged.exit_code == 3, limit
        assert f"{limit.split('=')[0]} of loss is unresolved" in judged.stderr
    assert cli(*chosen, "--fail-above", "auc=1").exit_code == 0


def test_a_file_of_members_and_a_holdout(cli, case, tmp_path):
    table = pd.read_csv(case("06-predictions-as-table.csv"))
    for name, part in (("in.csv", table[table.member]), ("out.csv", table[~table.member])):
        part.drop(columns="member").to_csv(tmp_path / name, index=False)
    result = cli("audit", "in.csv", "--holdout", "out.csv", "--attack", "loss", "--json")
    found, whole = printed(result), printed(cli("audit", "06-predictions-as-table.csv",
                                                "--attack", "loss", "--json"))  # fmt: skip
    assert found["attacks"]["loss"]["auc"] == whole["attacks"]["loss"]["auc"]
    sizes = {one["role"]: (one["name"], one["n_records"]) for one in found["inputs"]}
    assert sizes == {"target": ("in.csv", 112), "holdout": ("out.csv", 128)}


def test_other_names_and_several_models(cli, tmp_path):
    rng = np.random.default_rng(0)
    p = rng.random(400)
    table = pd.DataFrame(
        {"score": p, "y": np.where(rng.random(400) < p, "ill", "well"), "net": [1, 2] * 200}
    )
    table["was_in"], table["who"] = rng.random(400) < 0.5, np.arange(400) // 2
    table["y"] = table.groupby("who").y.transform("first")
    table.to_csv(tmp_path / "t.csv", index=False)
    named = ("--label", "y", "--member", "was_in", "--id", "who", "--model", "net")
    result = cli("audit", "t.csv", *named, "--columns", "score", "--positive", "ill",
                 "--attack", "loss", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert printed(result)["n_models"] == 2
    assert printed(result)["n_records"] == 200


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a folder; give a file in it"),
        ("none.csv", "no such file"),
        ("junk.npz", "not a readable .npz file; write it with np.savez"),
        ("junk.pkl", "a pickle can run any code, and is never read"),
        ("junk.csv", "junk.csv: "),
        ("junk.parquet", "junk.parquet: "),
    ],
)
def test_what_cannot_be_read_is_status_2_and_a_sentence(cli, tmp_path, name, words):
    if name.startswith("junk"):
        (tmp_path / name).write_bytes(b"junk\x00\xff")
    result = cli("audit", name)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "allow_pickle" not in result.stderr


def test_no_attack_that_applies_is_status_2_with_the_reason(cli, case):
    result = cli("audit", case("05-member-as-0-1.npz"), "--attack", "lira", "--attack", "rmia")
    assert result.exit_code == 2
    assert "no attack applies to these predictions: needs shadows; needs reference" in result.stderr
    assert "skipped lira: needs shadows" in result.stdout
    assert "audit-training" not in result.stdout


def test_attacks_are_listed_by_why_they_were_skipped_and_a_note_says_how_to_run_them(cli, case):
    file = case("05-member-as-0-1.npz")
    result = cli(
        "audit", file, *(word for name in ("loss", "lira", "base") for word in ("--attack", name))
    )
    assert "skipped lira, base: needs shadows" in result.stdout
    assert "`privbench audit-training FILE.py` trains some with your code" in result.stdout


def test_a_misspelt_attack_is_answered_with_attacks_on_predictions(cli, case):
    result = cli("audit", case("05-member-as-0-1.npz"), "--attack", "lria")
    assert result.exit_code == 2
    assert "unknown attack 'lria'; did you mean 'lira'? (allowed: attack-p," in result.stderr
    assert "gen-lra" not in result.stderr
