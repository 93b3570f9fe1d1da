"""A whole run whose models know nothing of the private records."""

import pytest

import privbench

SEEDS = range(10, 18)
CONFIG = """
[defenses.public-only]
mechanisms = ["public-only"]

[benchmarks.null]
datasets = ["digits"]
models = ["logistic"]
defenses = ["public-only"]
attacks = ["loss", "gap", "lira", "rmia", "shokri"]
knowledge = ["adaptive"]
population = 8
pool = 400
public = 100
canaries = 0.25
seeds = {seeds}
"""


@pytest.mark.slow
def test_an_epsilon_of_0_is_rarely_significant_and_not_refuted_where_it_holds(tmp_path):
    config = tmp_path / "null.toml"
    config.write_text(CONFIG.format(seeds=list(SEEDS)))
    rows = privbench.run("null", config=config, results=tmp_path / "results", device="cpu")
    assert len(rows) == len(SEEDS) * 5 * 2
    # Where the shadows chose few guesses, these are too few beside the other claims.
    assert set(rows.verdict) <= {"consistent", "not tested"}
    assert (rows.verdict == "consistent").mean() > 0.9
    claims = [audit["claim"]["epsilon"] for audit in rows.audit]
    assert claims == [0.0] * len(rows)
    p_values = [audit["p_value"] for audit in rows.audit]
    assert sum(p < 0.05 for p in p_values) <= 0.1 * len(rows)  # .05 and two standard errors
