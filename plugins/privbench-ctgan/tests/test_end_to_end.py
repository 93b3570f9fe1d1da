"""A row of a benchmark, from a table in a file to scores."""

import numpy as np
import pytest

import privbench

CONFIG = """
[defenses.small-gan]
generator = { name = "ctgan", epochs = 2, hidden = [8], dim = 4, batch_size = 20 }

[defenses.small-diffusion]
generator = { name = "tabddpm", timesteps = 20, steps = 300, hidden = [32], batch_size = 32, lr = 5e-3 }

[benchmarks.tiny]
datasets = [{ name = "csv", path = "table.csv", label = "ill" }]
models = [{ name = "logistic", epochs = 1 }]
defenses = ["small-gan", "small-diffusion"]
attacks = ["dcr", { name = "tartan-federer", times = [0.05, 0.1], draws = 4, hidden = 16 }]
knowledge = ["adaptive"]
population = 4
pool = 60
public = 60
canaries = 0
seeds = [0]
"""


@pytest.mark.slow
def test_generators_and_attack_give_rows(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["age,town,ill"]
    for _ in range(300):
        age, town = rng.normal(50, 10), rng.choice(["a", "b", "c"])
        lines.append(f"{age:.3f},{town},{'yes' if age + rng.normal(0, 5) > 50 else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "benchmarks.toml").write_text(CONFIG)
    frame = privbench.run("tiny", config=tmp_path / "benchmarks.toml", results=tmp_path)
    rows = {(row["defense"], row["attack"]): row for row in frame.to_dict("records")}
    assert len(rows) == 4
    skipped = rows.pop(("small-gan", "tartan-federer"))
    assert skipped["status"] == "skipped"
    assert "ctgan has no state" in skipped["reason"]
    for row in rows.values():
        assert row["status"] == "ok", row["reason"]
        low, high = row["auc_ci"]
        assert 0 <= low <= row["auc"] <= high <= 1
        assert row["guarantee"] is None
