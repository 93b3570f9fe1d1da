"""Every attack on models of public records alone is at chance, where the same attack finds members."""

import json

import numpy as np
import pytest

ON_MODELS = ("gap", "loss", "shokri", "lira", "rmia", "calibration", "label-only", "auto")
NAIVE = ("loss", "lira", "rmia")
ON_DATA = ("dcr", "gan-leaks", "domias", "shadow-density")
MODELS, POOL = 8, 300
CONFIG = """
[defenses.public-only]
mechanisms = ["public-only"]

[defenses.input-noise]
mechanisms = [{{ name = "input-noise", scale = 0.05 }}]

[benchmarks.b]
datasets = [{{ name = "npz", path = "{path}" }}]
models = [{{ name = "mlp", hidden = [32], epochs = 30, batch_size = 16 }}]
defenses = ["{without}", "public-only"]
attacks = {attacks}
knowledge = {knowledge}
population = 8
pool = 300
public = 60
canaries = 0
"""


@pytest.fixture
def rows(cli, tmp_path):
    """Run attacks on records whose labels are drawn at random, so that models must memorise them."""

    def run(attacks, knowledge, without):
        rng = np.random.default_rng(1)
        path = tmp_path / "random.npz"
        np.savez(path, x=rng.random((600, 12), dtype=np.float32), y=rng.integers(0, 3, 600))
        text = CONFIG.format(
            path=path,
            without=without,
            attacks=json.dumps(attacks),
            knowledge=json.dumps([knowledge]),
        )
        (tmp_path / "benchmarks.toml").write_text(text)
        result = cli("run", "b", "--device", "cpu", "--json")
        assert result.exit_code == 0, result.output
        return [row for row in json.loads(result.stdout) if row["status"] == "ok"]

    return run


def auc_of(rows, defense):
    return {row["attack"]: row["auc"] for row in rows if row["defense"] == defense}


@pytest.mark.parametrize(
    ("attacks", "knowledge", "without"),
    [
        (ON_MODELS, "adaptive", "none"),
        (NAIVE, "naive", "none"),
        (ON_DATA, "adaptive", "input-noise"),
    ],
)
def test_attacks_are_at_chance(rows, attacks, knowledge, without):
    """Within 4 standard errors of U / (members * non-members) for members drawn at random."""
    results = rows(attacks, knowledge, without)
    exposed, public = (auc_of(results, defense) for defense in (without, "public-only"))
    members = MODELS * POOL // 2
    error = np.sqrt((2 * members + 1) / (12 * members**2))
    assert set(public) == set(attacks)
    assert {(row["n_reference"], row["n_public"]) for row in results} == {(150, 60)}
    assert all(abs(auc - 0.5) < 4 * error for auc in public.values()), public
    assert all(exposed[name] > 0.5 + 4 * error for name in attacks), exposed
    verdict = "consistent" if knowledge == "adaptive" else None
    assert {row["verdict"] for row in results if row["defense"] == "public-only"} == {verdict}
