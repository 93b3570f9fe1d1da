"""Defenses that mislead attacks raise warnings, and harmless ones do not."""

import os

import pytest

import privbench

EXPECTED = {
    "none": set(),
    "weight-decay": set(),
    "memguard": {"not-normal"},
    "top-k": {"tied-outputs"},  # on easy records what remains is rounded to zero
    "hamp": {"random-outputs"},
    "output-noise": {"random-outputs", "guarantee-allows-all"},
}
SMALL = """
[defenses]
weight-decay.mechanisms = ["weight-decay"]
memguard.mechanisms = [{ name = "memguard", steps = 30, epochs = 20, budget = 2.0 }]
top-k.mechanisms = ["top-k"]
hamp.mechanisms = ["hamp", "hamp-output"]
output-noise.mechanisms = ["output-noise"]

[benchmarks.small]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [64], epochs = 30, batch_size = 32, lr = 0.1 }]
defenses = ["none", "weight-decay", "memguard", "top-k", "hamp", "output-noise"]
attacks = ["lira"]
population = 14
pool = 1000
canaries = 0
"""


def warnings_of(frame):
    """Return the names of the warnings of each defense."""
    assert set(frame["status"]) == {"ok"}
    found = {defense: set() for defense in frame["defense"]}
    for defense, warnings in zip(frame["defense"], frame["warnings"], strict=True):
        found[defense] |= {warning["name"] for warning in warnings}
    return found


@pytest.mark.slow
def test_on_digits(tmp_path):
    path = tmp_path / "benchmarks.toml"
    path.write_text(SMALL)
    frame = privbench.run("small", config=path, results=tmp_path / "results", device="cpu")
    assert warnings_of(frame) == EXPECTED


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("PRIVBENCH_DATA_DIR"), reason="needs Location-30")
def test_in_the_shipped_benchmark(tmp_path):
    """Location-30, 16 models, with the attacks that see confidences."""
    frame = privbench.run(
        "defenses",
        results=tmp_path,
        device="cpu",
        select="(/none/ or weight-decay or memguard or top-k or /hamp/ or output-noise)"
        " and (/gap/ or /loss/ or /lira/)",
        set={"canaries": 0},
    )
    hard = {"top-k": {"not-normal", "naive-is-stronger"}}
    assert warnings_of(frame) == EXPECTED | hard
