import hashlib

from privbench.auditing.inputs import TableInput


def test_an_input_is_described_by_its_digest(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    digest = hashlib.sha256(b"a\n1\n").hexdigest()
    assert TableInput.of("train", tmp_path / "t.csv", 1) == TableInput("train", "t.csv", digest, 1)
    assert TableInput.of("train", {"a": [1]}, 1) == TableInput("train", "", None, 1)
