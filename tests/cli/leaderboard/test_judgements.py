"""A judgement on its way to the site: `leaderboard judge --json`, `merge`, `build`."""

import json
import re

import pytest

from privbench.leaderboard.frozen.judgement import judged_outputs, read_judgement

from ..helpers import refused

ABOUT = ("--authors", "A. Author", "--paper", "https://example.org/p", "--name", "mine-v2")


@pytest.fixture
def judgement(cli, frozen, tmp_path):
    """``mine.json``: what was judged, written to a file."""
    frozen.scores(tmp_path / "mine.npz")
    judge = ("leaderboard", "judge", frozen.public, "--scores", "mine.npz")
    result = cli(*judge, *ABOUT, "--json")
    assert result.exit_code == 0, result.output
    (tmp_path / "mine.json").write_text(result.stdout)
    return json.loads(result.stdout)


def merge(cli, frozen, *arguments, file="mine.json"):
    secret = ("--secret", frozen.secret)
    return cli("leaderboard", "merge", file, "--into", "data", *secret, *arguments)


def test_it_becomes_a_page_of_the_site(cli, frozen, config, judgement, tmp_path):
    merged = merge(cli, frozen)
    assert (merged.exit_code, merged.stdout) == (0, ""), merged.output
    assert "data/submissions/mine-v2.json: judged" in merged.stderr
    assert cli("run", "small", "-c", config).exit_code == 0
    built = cli("leaderboard", "build", "small", "-o", "site", "--data", "data")
    assert built.exit_code == 0, built.output
    page = (tmp_path / "site" / "frozen.html").read_text()
    assert judgement["frozen"] in page
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "mine-v2 A. Author paper" in text
    for row in judgement["rows"]:
        on = row["canary_kind"] or row["subset"]
        assert f"{row['dataset']}, {row['model']}, {row['defense']}: {on}" in text
        for name, difference in row["differences"].items():
            low, high = difference["auc"]["ci"]
            assert f"AUC less that of {name}" in text
            assert f"{difference['auc']['value']:+.3f}".replace("0.", ".") in text
            assert low <= difference["auc"]["value"] <= high
    assert 'href="frozen.html"' in (tmp_path / "site" / "index.html").read_text()
    assert 'href="../frozen.html"' in next((tmp_path / "site" / "boards").iterdir()).read_text()


def test_attacks_are_in_the_order_of_their_auc(cli, frozen, judgement, tmp_path):
    weaker = json.loads((tmp_path / "mine.json").read_text())
    weaker["about"]["name"] = "a-weaker-one"
    weaker["rows"][0]["auc"], weaker["rows"][0]["auc_ci"] = 0.6, [0.5, 0.7]
    (tmp_path / "weaker.json").write_text(json.dumps(weaker))
    both = [read_judgement(tmp_path / name) for name in ("weaker.json", "mine.json")]
    ((digest, places),) = judged_outputs(both).items()
    assert digest == judgement["frozen"]
    first, second = (next(iter(places.values()))[i][0].name for i in (0, 1))
    assert (first, second) == ("mine-v2", "a-weaker-one")


@pytest.mark.parametrize(
    "change",
    [
        {"attack": "another"},
        {"scores": "0" * 64},
        {"about": {"name": "x", "authors": "", "paper": "", "code_url": ""}},
        {"isolated": True},
        {"rows": [{"auc": 0.999}]},
        {"judgement": 10**6},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_that_was_changed_is_refused(cli, frozen, judgement, tmp_path, change):
    if "rows" in change:
        change = {"rows": [judgement["rows"][0] | change["rows"][0], *judgement["rows"][1:]]}
    (tmp_path / "mine.json").write_text(json.dumps(judgement | change))
    result = merge(cli, frozen)
    refused(result, "mine.json: refused", "judged.jsonl does not have this judgement")
    assert not (tmp_path / "data").exists()


def test_lines_of_the_log_that_are_damaged_are_passed_over(cli, frozen, judgement):
    log = frozen.secret / "judged.jsonl"
    content = log.read_bytes()
    log.write_bytes(content + b'{"digest": \n[]\n')
    merged = merge(cli, frozen)
    log.write_bytes(content)  # tests share it
    assert merged.exit_code == 0


def test_forms_that_are_refused(cli, frozen, judgement, tmp_path):
    cases = {
        "paper": judgement | {"about": judgement["about"] | {"paper": "javascript:alert()"}},
        "name": judgement | {"about": judgement["about"] | {"name": "../../x"}},
        "format": judgement | {"format": 2},
        "rows": judgement | {"rows": []},
        "auc": judgement | {"rows": [judgement["rows"][0] | {"auc": 2}]},
    }
    for word, content in cases.items():
        (tmp_path / "bad.json").write_text(json.dumps(content))
        refused(merge(cli, frozen, file="bad.json"), "bad.json: refused", word)


def test_bad_input(cli, frozen, judgement, tmp_path):
    merge_without = ("leaderboard", "merge", "mine.json", "--into", "data")
    refused(cli(*merge_without), "a judgement (allowed with --secret DIR")
    refused(merge(cli, frozen, "--label", "rerun"), "a judgement, which has a label of its own")
    refused(cli(*merge_without, "--secret", tmp_path / "nowhere"), "No such file")
    assert merge(cli, frozen).exit_code == 0
    refused(merge(cli, frozen), "there is one of this name (allowed with --replace)")
    (tmp_path / "other.json").write_text("{}")
    refused(merge(cli, frozen, file="other.json"), "is no judgement, which alone needs it")
    judge = ("leaderboard", "judge", frozen.public, "--scores", "mine.npz")
    refused(cli(*judge, "--paper", "javascript:alert()"), "--paper 'javascript:alert()'")
    refused(cli(*judge, "--name", "../x"), "--name '../x'")
