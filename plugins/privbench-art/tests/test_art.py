"""Each attack of ART against what it must be: on outputs whose membership is easy, hard or absent."""

import importlib.metadata

import numpy as np
import pytest
from privbench_art import ArtBlackBox, ArtDecisionBoundary, ArtRule

import privbench

SHADOWS, POOL, CLASSES = 4, 120, 3


def outputs(rng, member, labels, signal):
    """Return outputs (models, records) that are surer of the label for members."""
    logits = rng.normal(size=(*member.shape, CLASSES))
    logits[..., np.arange(len(labels)), labels] += 1 + signal * member
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return privbench.Outputs(predicted=log_probs.argmax(-1), log_probs=log_probs)


def make_view(signal=3.0, seed=0, **more):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, POOL)
    member = rng.random((SHADOWS + 1, POOL)) < 0.5
    everything = outputs(rng, member, labels, signal)
    view = privbench.View(
        labels=labels, n_classes=CLASSES, target=everything[0], shadows=everything[1:],
        shadow_labels=labels, shadow_member=member[1:], reference_labels=labels[:0],
        target_reference=everything[0], shadow_reference=everything[1:],
        rng=np.random.default_rng(9), **more,
    )  # fmt: skip
    return view, member[0]


def auc(scores, member):
    below = (scores[~member][:, None] < scores[member]) + 0.5 * (
        scores[~member][:, None] == scores[member]
    )
    return below.mean()


def test_the_rule_is_whether_the_prediction_is_right():
    view, _ = make_view()
    assert ArtRule().score(view).tolist() == (view.target.predicted == view.labels).tolist()


@pytest.mark.parametrize("attack_model", ["rf", "gb", "lr", "dt", "knn", "svm", "nn"])
@pytest.mark.filterwarnings("ignore")  # of scikit-learn about what ART calls
def test_what_is_learned_on_shadows_tells_members(attack_model):
    own = {"nn": {"epochs": 10, "lr": 1e-2}, "lr": {"input_type": "loss"}}  # the sure class varies
    attack = ArtBlackBox(attack_model=attack_model, **own.get(attack_model, {}))
    view, member = make_view()
    scores = attack.score(view)
    assert scores.shape == (POOL,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert auc(scores, member) > 0.65
    null, member = make_view(signal=0.0)
    assert 0.35 < auc(attack.score(null), member) < 0.65


@pytest.mark.filterwarnings("ignore")
def test_every_parameter_matters():
    def scores(**params):
        return ArtBlackBox(**params).score(make_view()[0])

    plain = scores()
    for params in ({"input_type": "loss"}, {"attack_model": "lr"}):
        assert not np.array_equal(scores(**params), plain), params
    knn = scores(attack_model="knn")
    for scaler in ("minmax", "robust"):
        assert not np.array_equal(scores(attack_model="knn", scaler=scaler), knn), scaler
    network = {"attack_model": "nn", "epochs": 1}
    for changed in ({"epochs": 2}, {"batch_size": 30}, {"lr": 1e-2}):
        assert not np.array_equal(scores(**network | changed), scores(**network)), changed


def test_parameters_of_the_network_are_refused_elsewhere():
    with pytest.raises(ValueError, match="epochs is of attack_model = \"nn\", and not of 'rf'"):
        ArtBlackBox(epochs=3)
    with pytest.raises(ValueError, match="attack_model"):
        ArtBlackBox(attack_model="forest")


def test_the_loss_is_the_cross_entropy():
    """A tree on the loss alone splits records by it, whatever their classes are called."""
    view, member = make_view(signal=6.0)
    scores = ArtBlackBox(input_type="loss", attack_model="lr").score(view)
    loss = -view.target.log_prob_of(view.labels)
    for label in range(CLASSES):  # the label is an input, too, so compare within a class
        rows = view.labels == label
        order = np.argsort(loss[rows])
        assert (np.diff(scores[rows][order]) <= 1e-12).all()
    assert auc(scores, member) > 0.9


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("attack_model", ["rf", "nn"])
def test_draws_come_from_the_seed_and_global_generators_stay_as_they_were(attack_model):
    import torch

    network = {"epochs": 1} if attack_model == "nn" else {}
    attack = ArtBlackBox(attack_model=attack_model, **network)
    found = []
    for seed in (0, 1):
        np.random.seed(seed)
        torch.manual_seed(seed)
        state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
        found.append(attack.score(make_view()[0]))
        assert (np.random.get_state()[1] == state[0]).all()
        assert torch.random.get_rng_state().equal(state[1])
    np.testing.assert_array_equal(*found)


class Line:
    """Classifies numbers (n, 2) by the sign of the first."""

    def classify(self, x):
        assert x.dtype == np.float32
        return (x[:, 0] > 0).astype(np.int64)


def on_a_line(**params):
    rng = np.random.default_rng(0)
    records = rng.uniform(-3, 3, (30, 2)).astype(np.float32)
    labels = (records[:, 0] > 0).astype(np.int64)
    labels[:3] = 1 - labels[:3]  # wrongly predicted
    records.setflags(write=False)
    view, _ = make_view()
    view = privbench.View(
        **{
            **vars(view),
            "labels": labels,
            "n_classes": 2,
            "records": records,
            "target_model": Line(),
        }
    )
    return records, ArtDecisionBoundary(**params).score(view)


def test_the_distance_to_the_boundary():
    records, distance = on_a_line(max_iter=10, max_eval=200)  # log-odds of a sigmoid of it: itself
    assert np.allclose(distance[:3], 0, atol=1e-5)  # wrong predictions
    shortest = np.abs(records[3:, 0])
    assert (distance[3:] > 0.99 * shortest).all()  # no point of the boundary is nearer
    assert (distance[3:] < 2 * shortest + 0.05).all()  # and the search comes near
    ranks = [values.argsort().argsort() for values in (distance[3:], shortest)]
    assert np.corrcoef(*ranks)[0, 1] > 0.9


def test_every_parameter_of_the_search_matters():
    plain = on_a_line(max_iter=2)[1]
    assert np.array_equal(on_a_line(max_iter=2)[1], plain)
    changed = ({"max_iter": 3}, {"max_eval": 30}, {"init_eval": 5}, {"norm": "inf"})
    for params in changed:
        assert not np.array_equal(on_a_line(**{"max_iter": 2, **params})[1], plain), params


def test_draws_for_a_first_record_are_limited():
    """Nearly all records have the class of the target: one draw mostly finds no other."""
    records, few = on_a_line(max_iter=1, init_size=1)
    many = on_a_line(max_iter=1, init_size=50)[1]
    assert (few[3:] <= 1e-5).sum() > (many[3:] <= 1e-5).sum()
    assert len(records) == len(few)


def test_what_the_attacks_declare():
    assert ArtRule.observes == ArtDecisionBoundary.observes == "labels"
    assert ArtDecisionBoundary().queries_used() is None  # not known, so no guarantee covers them


@pytest.mark.filterwarnings("ignore")
def test_a_run_of_all_three(tmp_path):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="art")]
    config = tmp_path / "benchmarks.toml"
    config.write_text(
        """
        [benchmarks.art]
        datasets = ["digits"]
        models = [{ name = "mlp", epochs = 20 }]
        defenses = ["none"]
        attacks = [
          "gap", "art-rule", "art-black-box", "shokri", { name = "art-decision-boundary", max_iter = 0 },
        ]
        knowledge = ["adaptive"]
        population = 4
        pool = 80
        canaries = 0
        """
    )
    rows = privbench.run("art", config=config, results=tmp_path).to_dict("records")
    assert {row["status"] for row in rows} == {"ok"}, [row["reason"] for row in rows]
    auc_of = {row["attack"]: row["auc"] for row in rows}
    assert auc_of["art-rule"] == auc_of["gap"]
    assert auc_of["art-black-box"] > 0.5
