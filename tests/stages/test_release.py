"""Which attacks on released data run, and what is said of the data."""

import json

import pytest

from privbench.api import make_plans
from privbench.config import Overrides


@pytest.mark.parametrize(
    ("defense", "skipped"),
    [
        ("none", {"adaptive": "this defense releases none", "naive": "this defense releases none"}),
        (
            "noisy",
            {"adaptive": "this defense releases none", "naive": "this defense releases none"},
        ),
        ("vae", {"naive": "naive shadows release none"}),
    ],
)
def test_attacks_on_data_that_nobody_releases_are_skipped_before_anything_is_trained(
    host, config, defense, skipped
):
    overrides = Overrides.parse((f'defenses=["{defense}"]', 'attacks=["loss", "dcr"]'))
    (plan,) = make_plans(["small"], host, config=str(config), overrides=overrides)
    found = {
        trial.knowledge: trial.rejected.reason.partition(", and ")[2]
        for trial in plan.trials
        if trial.rejected is not None and trial.attack == "dcr"
    }
    assert found == skipped
    assert all(trial.rejected is None for trial in plan.trials if trial.attack == "loss")


def test_pixels_of_images_count_as_shares(cli, tmp_path):
    """Pixels that a VAE decodes are never quite black: their distributions would not say anything."""
    (tmp_path / "benchmarks.toml").write_text(
        """
        [defenses.vae]
        generator = { name = "vae", latent_dim = 8, hidden = 64, epochs = 20 }

        [benchmarks.images]
        datasets = ["digits"]
        models = [{ name = "mlp", hidden = [8], epochs = 1 }]
        defenses = ["vae"]
        attacks = ["loss"]
        population = 2
        pool = 400
        canaries = 0
        """
    )
    result = cli("run", "images", "-c", "benchmarks.toml", "--json")
    assert result.exit_code == 0, result.output
    assert all(row["column_fidelity"] > 0.9 for row in json.loads(result.stdout))
