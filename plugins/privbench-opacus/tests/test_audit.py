"""A function that claims an epsilon and adds no noise is refuted; the right one is not."""

from pathlib import Path

import pytest

import privbench

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of Opacus
CONFIG = """
[defenses.right]
mechanisms = [{ name = "opacus", path = "private.py", arguments = { noise = 2.0 } }]

[defenses.broken]
mechanisms = [
  { name = "opacus", path = "private.py", function = "without_noise", arguments = { noise = 2.0 } },
]

[benchmarks.audit]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [64], epochs = 15 }]
defenses = ["right", "broken"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 12
pool = 200
canaries = 0.25
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    (folder / "private.py").write_text(Path(__file__).with_name("private.py").read_text())
    config = folder / "benchmarks.toml"
    config.write_text(CONFIG)
    return privbench.run("audit", config=config, results=folder).to_dict("records")


def test_both_claim_the_same(rows):
    assert {row["status"] for row in rows} == {"ok"}, [row["reason"] for row in rows]
    claims = {(row["guarantee"]["epsilon"], row["guarantee"]["delta"]) for row in rows}
    assert len(claims) == 1


def test_only_the_one_without_noise_is_refuted(rows):
    verdicts = {}
    for row in rows:
        verdicts.setdefault(row["defense"], set()).add(row["verdict"])
    assert "refuted" in verdicts["broken"], rows
    assert "refuted" not in verdicts["right"]
    assert verdicts["right"] & {"consistent"}  # it was put to the test, and passed
