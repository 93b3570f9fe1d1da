"""Submissions in a folder of data: names, labels, duplicates, numbers of papers."""

import json

import pytest

from privbench.errors import BadInput
from privbench.leaderboard.submissions.errata import read_errata
from privbench.leaderboard.submissions.merging import (
    add_submission,
    check_of,
    reported_in,
    submissions_in,
)

NUMBER = {
    "defense": "hamp", "dataset": "purchase100", "model": "mlp", "accuracy": 0.6, "attack": "lira",
    "metric": "tpr@0.001", "value": 0.01, "table": "Table 3",
}  # fmt: skip
PAPER = {
    "format": "privbench-reported-1", "name": "hamp-2024", "paper": "https://example.org/paper",
    "citation": "Somebody 2024", "numbers": [NUMBER],
}  # fmt: skip


def add(text, into, name="noisy", label="spot-checked", replace=False):
    return add_submission(text, name, into, check_of(text, label), replace=replace)


def test_the_label_is_beside_the_file_which_stays_as_it_was(folder, tmp_path):
    text = (folder / "a.json").read_bytes()
    path = add(text, tmp_path)
    assert path == tmp_path / "submissions" / "noisy.json"
    assert path.read_bytes() == text
    ((document, label),) = submissions_in(tmp_path)
    assert label == "spot-checked"
    assert {row["defense"] for row in document.run.rows} == {"none", "noisy"}
    assert reported_in(tmp_path) == []
    assert submissions_in(tmp_path / "nowhere") == []


def test_names_and_content_are_there_once(folder, tmp_path):
    text = (folder / "a.json").read_bytes()
    add(text, tmp_path)
    with pytest.raises(BadInput, match=r"there is one of this name .allowed with --replace"):
        add(text + b"\n", tmp_path)
    with pytest.raises(BadInput, match="one of this name"):
        add(text + b"\n", tmp_path, "NOISY")
    with pytest.raises(BadInput, match="is the same submission"):
        add(text, tmp_path, "another")
    with pytest.raises(BadInput, match=r"name '\.\./\.\./x'"):
        add(text + b"\n", tmp_path, "../../x")
    add(text + b"\n", tmp_path, label="rerun", replace=True)
    assert [label for _, label in submissions_in(tmp_path)] == ["rerun"]


def test_a_link_is_not_written_through(folder, tmp_path):
    (tmp_path / "submissions").mkdir()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "submissions" / "noisy.json").symlink_to(tmp_path / "victim")
    with pytest.raises(BadInput, match="symbolic link"):
        add((folder / "a.json").read_bytes(), tmp_path, replace=True)
    assert (tmp_path / "victim").read_text() == "mine"


def test_what_was_changed_since_it_was_checked(folder, tmp_path):
    path = add((folder / "a.json").read_bytes(), tmp_path)
    text = path.read_text()
    path.write_text(text + "\n")
    with pytest.raises(BadInput, match="was changed since it was checked"):
        submissions_in(tmp_path)
    path.write_text(text)
    check = tmp_path / "submissions" / "checks" / "noisy.json"
    content = json.loads(check.read_text())
    for label in ("", "best", "reported", None, []):
        check.write_text(json.dumps(content | {"label": label}))
        with pytest.raises(BadInput, match="label"):
            submissions_in(tmp_path)
    check.unlink()
    with pytest.raises(BadInput, match="No such file"):
        submissions_in(tmp_path)


def test_numbers_of_a_paper(tmp_path, cli):
    file = tmp_path / "paper.json"
    file.write_text(json.dumps(PAPER))
    result = cli("leaderboard", "verify", file)
    assert (result.exit_code, "1 reported numbers" in result.stdout) == (0, True)
    for wrong in ("rerun", "spot-checked"):
        result = cli("leaderboard", "merge", file, "--into", tmp_path, "--label", wrong)
        assert (result.exit_code, "allowed: reported" in result.stderr) == (2, True)
    assert cli("leaderboard", "merge", file, "--into", tmp_path).exit_code == 0
    (reported,) = reported_in(tmp_path)
    assert (reported.numbers[0].defense, reported.numbers[0].value) == ("hamp", 0.01)
    assert submissions_in(tmp_path) == []
    for change in ({"value": 2}, {"metric": "accuracy"}, {"table": ""}, {"label": "rerun"}):
        file.write_text(json.dumps(PAPER | {"numbers": [NUMBER | change]}))
        result = cli("leaderboard", "verify", file)
        assert (result.exit_code, "numbers[0]" in result.stderr) == (2, True)


def test_the_log_of_errata(tmp_path):
    path = tmp_path / "errata.md"
    assert read_errata(path) == []
    path.write_text("# Errata\n\nText.\n\n## 2026-01-01: one\n\nA.\n\n## 2026-02-01: two\n\nB.\n")
    assert read_errata(path) == ["## 2026-02-01: two\n\nB.", "## 2026-01-01: one\n\nA."]
    path.write_text("## yesterday: one\n")
    with pytest.raises(BadInput, match=r"'## yesterday: one' .allowed: ## YYYY-MM-DD: TITLE"):
        read_errata(path)
