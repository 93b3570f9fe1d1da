"""``privbench plot``."""

import pytest


@pytest.fixture
def ran(cli, config):
    result = cli("run", "small", "-c", config, "-k", "none")
    assert result.exit_code == 0, result.output


def drawn(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_roc_tradeoff_and_record(cli, ran, tmp_path):
    assert cli("plot", "roc", "small", "-k", "none", "-o", "roc.png").exit_code == 0
    assert cli("plot", "tradeoff", "small", "-o", "tradeoff.png").exit_code == 0
    assert cli("plot", "tradeoff", "--run", "1", "-o", "same.png").exit_code == 0
    assert (tmp_path / "same.png").read_bytes() == (tmp_path / "tradeoff.png").read_bytes()
    result = cli("plot", "record", "2", "small", "-k", "none and lira and adaptive",
                 "--subset", "canaries", "-o", "record.png")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert all(drawn(tmp_path / f"{n}.png") for n in ("roc", "tradeoff", "record"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["roc", "small", "-o", "x.png"], ["noisy", "no stored scores", "privbench run small"]),
        (["roc", "smal", "-o", "x.png"], ["'smal'", "'small'"]),
        (["roc", "small", "-k", "none", "-o", "x.bmp"], ["x.bmp", ".svg"]),
        (["roc", "small", "-k", "nothing", "-o", "x.png"], ["-k"]),
        (["record", "0", "small", "-k", "none", "-o", "x.png"], ["-k must choose one trial", "4"]),
        (
            ["record", "9999", "small", "-k", "none and lira and naive", "-o", "x.png"],
            ["RECORD 9999", "allowed: 0..95"],
        ),
        (
            ["roc", "small", "--set", "canaries=0", "--subset", "canaries", "-o", "x.png"],
            ["--subset canaries", "no canaries"],
        ),
        (
            ["roc", "small", "--subset", "twin", "-o", "x.png"],
            ["no canaries of this kind", "allowed: records, canaries, mislabel"],
        ),
        (["tradeoff", "other", "-o", "x.png"], ["'other'", "small"]),
        (["tradeoff", "--run", "17", "-o", "x.png"], ["ID 17", "allowed: 1"]),
        (["roc", "small.json", "-o", "x.png"], ["NAME 'small.json'", "allowed: the name"]),
    ],
)
def test_bad_input(cli, ran, arguments, words):
    result = cli("plot", *arguments)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
