"""Hostile files are refused with a reason, and no traceback."""

import json
import os

import pytest

from privbench.errors import BadInput
from privbench.leaderboard.submissions.consistency import read_submission
from privbench.leaderboard.submissions.names import checked_name, name_of
from privbench.leaderboard.submissions.reading import MAX_BYTES, MAX_DEPTH, read_strict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1e999}', "too large for a number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a": 1, "b": 2, "a": 3}', "key 'a' is there twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested too deeply"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'["\\ud800"]', "not UTF-8"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_what_is_no_json(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(BadInput, match=message):
        read_strict(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(BadInput, match=r"too large .allowed: 16 MiB"):
        read_strict(path)


def test_files_that_are_none(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "a.json")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    for name, message in {
        "link.json": "a symbolic link",
        "pipe.json": "not a regular file",
        "folder.json": "not a regular file",
        "missing.json": "No such file",
        "\0": "null byte",
    }.items():
        with pytest.raises(BadInput, match=message):
            read_strict(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "", ".hidden", "a/b", "a\n", "a" * 81, "-rf"]
)
def test_names_that_are_no_names_of_files(name):
    with pytest.raises(BadInput, match="allowed: 1 to 80 letters"):
        checked_name(name, "name")


def test_names_of_labels():
    assert name_of("dp-sgd[epsilon=8]") == "dp-sgd-epsilon-8"
    for label in ("../../x", "[]", "é" * 5, "-" * 100, "a" * 200):
        assert checked_name(name_of(label), "label")


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"', "{}", '{"format": 1, "rows": [[]]}'])
def test_json_that_is_no_submission(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="refused"):
        read_submission(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(label="rerun"), "label: 'rerun' .allowed: {'not': {}}"),
        (lambda c: c["submission"].update(label="rerun"), "submission: .*allowed: {'additional"),
        (
            lambda c: c["submission"]["about"].update(name="../../x"),
            r"submission.about.name: '\.\./",
        ),
        (lambda c: c["submission"]["about"].update(paper="javascript:alert(1)"), "about.paper"),
        (lambda c: c["rows"][0].update(auc=1.2), r"rows\[0\].auc: 1.2 .allowed: {'maximum': 1}"),
        (lambda c: c["rows"][0].update(auc="high"), r"rows\[0\].auc: 'high'"),
        (lambda c: c["rows"][0].update(extra=1), r"rows\[0\]: .*allowed: {'additional"),
        (lambda c: c["rows"][0].update(seed=True), r"rows\[0\].seed: True"),
        (lambda c: c["rows"][1].update(defense="\x1b[2J"), r"rows\[1\]: .*x1b"),
        (lambda c: c.update(rows=[]), "rows: "),
        (lambda c: c["rows"][0].update(n_models=0), "cannot be checked"),
        (lambda c: c["rows"][0].update(n_members=10**300), r"n_members: 1000.*'maximum'"),
        (
            lambda c: c["rows"][0]["audit"].update(correct=10**9),
            r"rows\[0\].audit.correct: 1000.*'maximum'",
        ),
        (lambda c: c["submission"]["stages"][-1]["provenance"].update(inputs=[]), "key: "),
    ],
)
def test_forms_that_are_refused(content, sign, tmp_path, change, message):
    change(content)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(sign(content)))
    with pytest.raises(BadInput, match=message) as error:
        read_submission(path)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 20_000
