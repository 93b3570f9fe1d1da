"""From a benchmark to rows: caching, resuming, isolation of failures, and randomness."""

import json
import textwrap

import numpy as np
import pytest

import privbench
from privbench.api import make_plans, run_plan
from privbench.computation import needed
from privbench.config import Overrides
from privbench.plugins.host import PluginHost
from privbench.storage.artifacts import Store
from privbench.storage.results import COLUMNS

OF_ROWS = {"metrics", "left-out", "records", "audit", "warnings"}


@pytest.fixture
def run(config, tmp_path):
    """Run ``small``; returns the rows and the kinds of stages that were computed."""

    def run(*plugins, set=(), select=None, results="results"):
        host = PluginHost([str(plugin) for plugin in plugins], installed=False)
        overrides = Overrides.parse(set)
        (plan,) = make_plans(["small"], host, config=config, overrides=overrides, select=select)
        computed = [stage.kind for stage in needed(plan, Store(tmp_path / results))]
        return run_plan(plan, host, results=tmp_path / results, device="cpu"), computed

    return run


@pytest.fixture
def plugin(tmp_path):
    def write(text, file="plugin.py"):
        path = tmp_path / file
        path.write_text(
            "import numpy as np\nimport privbench\nfrom privbench import hookimpl\n"
            + textwrap.dedent(text)
        )
        return path

    return write


def numbers(rows):
    """What must be the same in two runs of the same thing."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_rows_have_the_columns_and_sensible_values(run):
    rows, _ = run()
    assert len(rows) == 2 * 2 * 2 * 2  # defenses, attacks, knowledge, subsets
    for row in rows:
        assert tuple(row) == COLUMNS
        assert row["status"] == "ok"
        assert 0.5 < row["test_accuracy"] <= row["train_accuracy"] <= 1
        assert row["auc_ci"][0] <= row["auc"] <= row["auc_ci"][1]
        assert set(row["tpr_at_fpr"]) == {"0.001", "0.01"}
        assert row["seconds"] > 0
        assert row["n_models"] == 4
        assert row["metrics_key"] != row["utility_key"]
    records = [row for row in rows if row["subset"] == "records"]
    assert all(row["n_members"] == row["n_nonmembers"] == 4 * 48 for row in records)
    canaries = [row for row in rows if row["subset"] == "canaries"]
    assert all(row["n_members"] + row["n_nonmembers"] == 4 * 10 for row in canaries)


def test_rows_are_written_alike_whether_they_were_computed_or_stored(run):
    """To the order of nested keys, so that exports of the two are the same text."""
    (computed, stages), (stored, none) = run(), run()
    assert stages
    assert not none
    assert json.dumps(stored) == json.dumps(computed)


def test_an_overfitted_model_leaks_and_its_canaries_leak_more(run):
    rows, _ = run(set=["mlp.epochs=60", "mlp.hidden=[64]"])
    found = {(r["defense"], r["attack"], r["knowledge"], r["subset"]): r for r in rows}
    records = found["none", "lira", "adaptive", "records"]
    canaries = found["none", "lira", "adaptive", "canaries"]
    assert records["auc"] > 0.6
    assert canaries["auc"] > records["auc"]
    assert found["noisy", "lira", "adaptive", "records"]["guarantee"]["kind"] == "dp"
    assert records["guarantee"] is None


def test_a_second_run_computes_nothing_and_gives_the_same_rows(run):
    first, computed = run()
    assert computed
    second, computed = run()
    assert computed == []
    assert second == first


def test_the_same_seed_gives_the_same_numbers_elsewhere_and_another_seed_others(run):
    first, _ = run()
    again, _ = run(results="elsewhere")
    other, _ = run(set=["seeds=[1]"], results="other")
    assert numbers(again) == numbers(first)
    assert [row["auc"] for row in other] != [row["auc"] for row in first]


def test_a_new_attack_trains_nothing(run):
    run(select="loss")
    _, computed = run(set=['attacks=["loss", "gap"]'])
    assert set(computed) == {"scores", "comparison"} | OF_ROWS


def test_an_output_defense_trains_nothing(run):
    run(select="none")
    _, computed = run()
    scores = {"defended-outputs", "output-traits", "utility", "scores", "split-scores"}
    assert set(computed) == scores | {"comparison"} | OF_ROWS


def test_a_new_epsilon_fits_no_generator(run):
    run(set=['defenses=["vae"]', "canaries=0"])
    _, computed = run(set=['defenses=["vae-metric"]', "canaries=0"], select="adaptive")
    assert "fit" not in computed
    assert computed.count("population") == 1


def test_metric_noise_lowers_what_lira_finds_and_utility(run):
    rows, _ = run(
        set=[
            'defenses=["vae", "vae-metric"]', "metric-privacy.epsilon=[1e6, 0.01]", "vae.hidden=32",
            "vae.epochs=100", "mlp.epochs=60", "population=8", "canaries=0",
        ],
        select="lira and adaptive",
    )  # fmt: skip
    accuracy = {row["defense"]: row["test_accuracy"] for row in rows}
    assert accuracy["vae-metric[epsilon=1e+06]"] == pytest.approx(accuracy["vae"], abs=0.05)
    assert accuracy["vae-metric[epsilon=0.01]"] < accuracy["vae"]


def test_selection_and_other_trials_do_not_change_a_trial(run):
    everything, _ = run()
    alone, _ = run(select="noisy and lira and naive", results="alone")
    assert numbers(alone) == numbers(
        row
        for row in everything
        if (row["defense"], row["attack"], row["knowledge"]) == ("noisy", "lira", "naive")
    )


def test_naive_and_adaptive_agree_without_a_defense_and_differ_with_one(run):
    rows, _ = run(select="lira")
    auc = {(r["defense"], r["knowledge"], r["subset"]): r["auc"] for r in rows}
    assert auc["none", "naive", "records"] == auc["none", "adaptive", "records"]
    assert auc["noisy", "naive", "records"] != auc["noisy", "adaptive", "records"]


def test_a_share_that_is_no_canary_is_bad_input(run):
    with pytest.raises(
        privbench.BadInput, match=r"small\.canaries: 0.001 .*not one canary.*0.0104"
    ):
        run(set=["canaries=0.001"])


def test_each_kind_of_canaries_has_a_row(run):
    kinds = 'canaries={ share = 0.2, kinds = ["twin", "outlier"] }'
    rows, computed = run(set=[kinds], select="none and loss and adaptive")
    assert [(row["subset"], row["canary_kind"]) for row in rows] == [
        ("records", None), ("canaries", "twin"), ("canaries", "outlier"),
    ]  # fmt: skip
    pairs = [row["n_members"] + row["n_nonmembers"] for row in rows]
    assert pairs == [4 * 96, 4 * 10, 4 * 9]
    assert computed.count("population") == computed.count("scores") == 2
    assert len({row["key"] for row in rows}) == 3


def test_a_kind_that_does_not_fit_is_skipped_and_the_others_have_rows(run, tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{'abc'[k]},{number:.3f},{k % 2}" for k, number in
             zip(rng.integers(0, 3, 80), rng.normal(size=80), strict=True)]  # fmt: skip
    (tmp_path / "table.csv").write_text("\n".join(["letter,number,y", *lines]))
    dataset = f'datasets=[{{ name = "csv", path = "{tmp_path}/table.csv", label = "y" }}]'
    kinds = 'canaries={ share = 0.2, kinds = ["mislabel", "inverted"] }'
    rows, _ = run(set=[dataset, kinds], select="none and loss and adaptive")
    assert [row["status"] for row in rows] == ["ok", "ok", "skipped"]
    assert rows[1]["n_members"] + rows[1]["n_nonmembers"] == 4 * 10
    assert (rows[2]["canary_kind"], rows[2]["auc"]) == ("inverted", None)
    assert "categorical columns" in rows[2]["reason"]


def test_without_canaries_there_is_one_population(run):
    rows, computed = run(set=["canaries=0"])
    assert {row["subset"] for row in rows} == {"records"}
    assert computed.count("population") == 1


def test_a_changed_data_file_never_meets_old_results(run, blobs):
    run(select="none and loss")
    arrays = dict(np.load(blobs))
    arrays["x"][0, 0] += 0.001
    np.savez(blobs, **arrays)
    _, computed = run(select="none and loss")
    assert "population" in computed


def test_a_data_file_that_moves_keeps_its_results(run, blobs, config):
    first, _ = run(select="none and loss")
    moved = blobs.rename(blobs.with_name("moved.npz"))
    config.write_text(config.read_text().replace(str(blobs), str(moved)))
    second, computed = run(select="none and loss")
    assert computed == []
    assert second == first


BAD_ATTACK = """
    class Bad(privbench.Attack):
        '''Bad.'''
        name = "bad"
        def score(self, view):
            {body}

    @hookimpl
    def register_attacks(register):
        register(Bad)
    """


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return np.full(len(view.labels), np.nan)", ["scores: bad: ", "NaN", "96 of 96"]),
        ("return np.zeros(3)", ["scores: bad: ", "(3,)", "(96,)"]),
        ("return 'high'", ["scores: bad: ", "str", "shape"]),
        ("return view.target_member", ["AttributeError", "target_member"]),
        ("raise SystemError('broken')", ["SystemError", "broken"]),
    ],
)
def test_a_failing_attack_is_a_failed_trial_and_the_rest_goes_on(run, plugin, body, words):
    path = plugin(BAD_ATTACK.format(body=body))
    rows, _ = run(path, set=['attacks=["loss", "bad"]', 'defenses=["none"]'])
    by_attack = {name: [r for r in rows if r["attack"] == name] for name in ("loss", "bad")}
    assert {row["status"] for row in by_attack["loss"]} == {"ok"}
    assert {row["status"] for row in by_attack["bad"]} == {"failed"}
    for word in words:
        assert word in by_attack["bad"][0]["reason"]


def test_failures_are_not_cached(run, plugin):
    settings = ['attacks=["bad"]', 'defenses=["none"]']
    run(plugin(BAD_ATTACK.format(body="return np.zeros(3)")), set=settings)
    rows, computed = run(
        plugin(BAD_ATTACK.format(body="return 1.0 * view.labels"), file="fixed.py"), set=settings
    )
    assert set(computed) == {"scores", "split-scores"} | OF_ROWS
    assert {row["status"] for row in rows} == {"ok"}


def test_a_naive_attack_that_fails_costs_the_adaptive_row_nothing_but_the_comparison(run, plugin):
    naive_only = (
        "assert view.shadows.log_probs.min() > -5; return view.target.log_prob_of(view.labels)"
    )
    path = plugin(BAD_ATTACK.format(body=naive_only))
    rows, _ = run(path, set=['attacks=["bad"]', 'defenses=["noisy"]', "canaries=0"])
    assert {row["knowledge"]: row["status"] for row in rows} == {
        "adaptive": "ok",
        "naive": "failed",
    }
    (adaptive,) = [row for row in rows if row["status"] == "ok"]
    assert "random-outputs" in [warning["name"] for warning in adaptive["warnings"]]
    assert adaptive["queries"] == 1


def test_an_attack_sees_only_what_it_declares(run, plugin):
    path = plugin(
        BAD_ATTACK.format(body="return view.target.log_prob_of(view.labels)").replace(
            'name = "bad"', 'name = "bad"; observes = "labels"'
        )
    )
    rows, _ = run(path, set=['attacks=["bad"]', 'defenses=["none"]'])
    assert "observes = 'labels'" in rows[0]["reason"]


def test_a_network_is_for_attacks_that_observe_parameters(run, plugin):
    path = plugin(
        BAD_ATTACK.format(body="return view.target_model.module()").replace(
            'name = "bad"', 'name = "bad"; observes = "labels"; queries = True'
        )
    )
    rows, _ = run(path, set=['attacks=["bad"]', 'defenses=["none"]'])
    assert "observes = 'labels', so it has no network" in rows[0]["reason"]


def test_a_third_party_model_mechanism_generator_and_dataset(run, plugin):
    path = plugin(
        """
        from privbench import Data, DataSpec

        class Mean:
            def __init__(self, x, y, k):
                self.means = np.stack([x[y == c].mean(0) for c in range(k)])
            def predict_proba(self, x):
                d = ((x[:, None] - self.means) ** 2).sum(-1)
                p = np.exp(-(d - d.min(1, keepdims=True)))
                return p / p.sum(1, keepdims=True)

        class NearestMean(privbench.EstimatorModel):
            '''Nearest class mean.'''
            name = "nearest-mean"
            def fit(self, x, y, n_classes, rng):
                return Mean(x, y, n_classes)

        class Coarse(privbench.DataMechanism):
            '''Round the records.'''
            name = "coarse"
            def apply(self, data, rng):
                return Data(data.x.round(), data.y, data.spec)

        class Same(privbench.FittedGenerator):
            def encode(self, data): return data.x
            def decode(self, codes): return codes
            def sample(self, n, rng): raise NotImplementedError

        class Copy(privbench.Generator):
            '''Copies.'''
            name = "copy"
            def fit(self, data, rng): return Same()

        class Moons(privbench.Dataset):
            '''Two clouds.'''
            name = "clouds"
            def load(self):
                y = np.arange(100) % 2
                x = np.random.default_rng(0).normal(size=(100, 2)) + y[:, None]
                return Data(x.astype("float32"), y, DataSpec("tabular", (2,), 2))

        @hookimpl
        def register_models(register): register(NearestMean)
        @hookimpl
        def register_mechanisms(register): register(Coarse)
        @hookimpl
        def register_generators(register): register(Copy)
        @hookimpl
        def register_datasets(register): register(Moons)
        """
    )
    settings = [
        'datasets=["clouds"]',
        'models=["nearest-mean", "mlp"]',
        "mlp.epochs=2",
        "canaries=0",
    ]
    rows, _ = run(path, set=settings)
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["test_accuracy"] > 0.5 for row in rows if row["model"] == "nearest-mean")


def test_incompatible_parts_are_skipped_with_the_reason(run):
    rows, _ = run(set=['models=["cnn", "mlp"]', "canaries=0"], select="none and loss")
    assert {row["model"]: row["status"] for row in rows} == {"cnn": "skipped", "mlp": "ok"}
    assert "image" in next(row["reason"] for row in rows if row["model"] == "cnn")


def test_parts_that_turn_out_incompatible_are_skipped_too(run, plugin, config):
    path = plugin(
        """
        class BatchNorm(privbench.TorchModel):
            '''Batch norm.'''
            name = "batch-norm"
            def build(self, shape, n_classes):
                from torch import nn
                return nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, n_classes))

        @hookimpl
        def register_models(register): register(BatchNorm)
        """
    )
    config.write_text(
        config.read_text()
        + '[defenses.dp-sgd]\nmechanisms = [{ name = "dp-sgd", epsilon = 8.0 }]\n'
    )
    rows, _ = run(
        path,
        set=['models=["batch-norm"]', 'defenses=["none", "dp-sgd"]', "canaries=0"],
        select="loss and adaptive",
    )
    assert [row["status"] for row in rows] == ["ok", "skipped"]
    assert "BatchNorm1d" in rows[1]["reason"]
