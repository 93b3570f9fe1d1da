"""A row of a benchmark, from a table in a file to scores."""

import numpy as np
import pytest

import privbench

CONFIG = """
[defenses.private-table]
generator = { name = "mst", epsilon = 2.0, bins = 4, iterations = 50 }

[benchmarks.tiny]
datasets = [{ name = "csv", path = "table.csv", label = "ill" }]
models = [{ name = "logistic", epochs = 1 }]
defenses = ["private-table"]
attacks = ["dcr"]
knowledge = ["adaptive"]
population = 2
pool = 60
public = 60
canaries = 0
seeds = [0]
"""


@pytest.mark.slow
def test_mst_gives_a_row_with_its_guarantee(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["age,town,ill"]
    for _ in range(300):
        age, town = rng.normal(50, 10), rng.choice(["a", "b", "c"])
        lines.append(f"{age:.3f},{town},{'yes' if age + rng.normal(0, 5) > 50 else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "benchmarks.toml").write_text(CONFIG)
    frame = privbench.run("tiny", config=tmp_path / "benchmarks.toml", results=tmp_path)
    (row,) = frame.to_dict("records")
    assert row["status"] == "ok", row["reason"]
    assert (row["guarantee"]["epsilon"], row["guarantee"]["delta"]) == (2.0, 1e-5)
    low, high = row["auc_ci"]
    assert 0 <= low <= row["auc"] <= high <= 1
