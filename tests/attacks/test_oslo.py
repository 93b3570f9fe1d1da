"""OSLO: against a slow reference, record by record, and what the models are asked."""

import dataclasses

import numpy as np
import pytest
import torch

from privbench.attacks.oslo import Oslo, ranges, split
from privbench.attacks.outputs import Outputs
from privbench.attacks.own_shadows import groups_of_targets

from .helpers import auc, random_population, views_of


class NetworkModel:
    """A model with this network, which counts the records that it is asked about."""

    def __init__(self, network):
        self.network = network
        self.queries = []

    def classify(self, x):
        self.queries.append(x)
        with torch.no_grad():
            return self.network(torch.from_numpy(x)).argmax(1).numpy()

    def module(self):
        return self.network


class Closed(NetworkModel):
    """A target, whose network and outputs are not the adversary's."""

    def module(self):
        raise AssertionError("the target's network was asked for")

    query = module


def mlp(seed, shape=(4,)):
    torch.manual_seed(seed)
    n_features = int(np.prod(shape))
    layers = torch.nn.Linear(n_features, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)
    return torch.nn.Sequential(torch.nn.Flatten(), *layers).eval()


def views_of_networks(n_models=6, n=25, shape=(4,), seed=0, binary=False):
    """Return views in which record 0 has no OUT shadow and record 1 a single one."""
    models, labels, member = random_population(n_models=n_models, n=n, n_classes=3, seed=seed)
    member[:, :2] = True
    member[-1, 1] = False
    rng = np.random.default_rng(seed)
    records = rng.normal(size=(n, *shape)).astype(np.float32)
    if binary:
        records = (records > 0).astype(np.float32)
    networks = [mlp(i, shape) for i in range(n_models)]
    return dataclasses.replace(
        views_of(models, labels, member),
        records=records,
        reference_records=records[:3] * (1 if binary else 1.5),
        target_models=[Closed(network) for network in networks],
        shadow_models=[NetworkModel(network) for network in networks],
    )


def mean_confidence(networks, x, label):
    with torch.no_grad():
        return np.mean([network(x[None]).softmax(1)[0, label].item() for network in networks])


def slow_perturbation(attack, networks, x, label, low, high):
    """Return one perturbed record, by MI-FGSM on the cross-entropy of the mean logits."""
    count = len(networks)
    n_validate = min(max(round(attack.validation * count), 1), max(count - 1, 1))
    validators, sources = networks[-n_validate:], networks[:-n_validate] or networks
    moved, target = x, torch.tensor([label])
    for stage in range(1, attack.stages + 1):
        if mean_confidence(validators, moved, label) < attack.threshold:
            break
        reach = attack.budget * stage / attack.stages * (high - low)
        moved, momentum = x, torch.zeros_like(x)
        for _ in range(attack.iterations):
            moved = moved.detach().requires_grad_()
            logits = torch.stack([network(moved[None])[0] for network in sources]).mean(0)
            loss = torch.nn.functional.cross_entropy(logits[None], target)
            (gradient,) = torch.autograd.grad(loss, moved)
            momentum = momentum + gradient / gradient.abs().sum()
            step = reach / attack.iterations
            moved = torch.clamp(moved.detach() + step * momentum.sign(), low, high)
    return moved.detach(), mean_confidence(networks, moved.detach(), label)


@pytest.mark.parametrize("shape", [(4,), (1, 2, 2)])
@pytest.mark.parametrize(
    "attack",
    [
        Oslo(threshold=0.2, stages=4, iterations=3),
        Oslo(threshold=0.25, budget=0.1, stages=3, iterations=2, validation=0.6),
    ],
)
def test_slow_reference(attack, shape):
    views = views_of_networks(shape=shape)
    low, high = (torch.from_numpy(bound) for bound in ranges(views))
    scores = attack.score_all(views)
    for group, known in groups_of_targets(views):
        for target in group:
            expected = []
            for i, (x, label) in enumerate(zip(views.records, views.labels, strict=True)):
                out = [k for k in known if not views.shadow_member[k, i]]
                networks = [views.shadow_models[k].network for k in out]
                moved, p = torch.from_numpy(x), 0.5
                if networks:
                    moved, p = slow_perturbation(attack, networks, moved, label, low, high)
                network = views.target_models[target].network
                expected.append((network(moved[None]).argmax().item() == label) + 1 - p)
            np.testing.assert_allclose(scores[target], expected, rtol=1e-4)
    assert len(set((scores > 1).ravel())) == 2


def test_batches_change_nothing(monkeypatch):
    together = Oslo(stages=3, iterations=2).score_all(views_of_networks())
    monkeypatch.setattr("privbench.attacks.oslo.BATCH", 7)
    apart = Oslo(stages=3, iterations=2).score_all(views_of_networks())
    np.testing.assert_allclose(apart, together, rtol=1e-5)


def test_each_target_is_asked_once_about_each_record_and_shadows_never():
    views = views_of_networks()
    Oslo(stages=2, iterations=1).score_all(views)
    assert [[len(x) for x in model.queries] for model in views.target_models] == [[25]] * 6
    assert not any(model.queries for model in views.shadow_models)
    assert Oslo().queries_used() == 1


def test_the_outputs_for_the_pool_are_not_used():
    views = views_of_networks()
    nothing = Outputs(np.zeros_like(views.targets.predicted), None)
    blind = dataclasses.replace(views_of_networks(), targets=nothing, shadows=nothing)
    attack = Oslo(stages=2, iterations=1)
    np.testing.assert_array_equal(attack.score_all(blind), attack.score_all(views))


def test_a_target_is_asked_about_records_that_its_own_network_did_not_shape():
    """Nor do its membership and the networks of others in its group; see `own_shadows`."""
    views, other = views_of_networks(), views_of_networks()
    other.shadow_models[2] = NetworkModel(mlp(99))
    other.shadow_member[2] = ~other.shadow_member[2]
    attack = Oslo(stages=2, iterations=2)
    first, second = attack.score_all(views), attack.score_all(other)
    np.testing.assert_array_equal(second[2], first[2])
    assert (second[0] != first[0]).any()


def test_the_order_of_separate_targets_does_not_matter():
    views = views_of_networks()
    apart = views.part(np.array([0, 1, 2]), np.array([3, 4, 5]))
    reordered = views.part(np.array([2, 0, 1]), np.array([3, 4, 5]))
    attack = Oslo(stages=2, iterations=2)
    np.testing.assert_array_equal(
        attack.score_all(reordered), attack.score_all(apart)[np.array([2, 0, 1])]
    )


@pytest.mark.parametrize("binary", [True, False])
def test_records_stay_within_the_budget_and_the_range(binary):
    views = views_of_networks(binary=binary)
    low, high = ranges(views)
    if binary:
        assert set(low) == {0.0}
        assert set(high) == {1.0}
    attack = Oslo(threshold=1e-6, budget=0.3, stages=2, iterations=4)
    moved, confidence = attack.perturb(views)
    reach = 0.3 * (high - low)
    assert (moved >= low).all()
    assert (moved <= high).all()
    assert (np.abs(moved - views.records) <= reach + 1e-6).all()
    at_most = np.abs(moved - views.records)[2:] > reach - 1e-6
    assert (at_most | (moved[2:] == low) | (moved[2:] == high)).mean() > 0.5
    np.testing.assert_array_equal(moved[0], views.records[0])
    assert confidence[0] == 0.5


def test_a_smaller_threshold_moves_records_further():
    moved = {
        threshold: Oslo(threshold=threshold, budget=1.0).perturb(views_of_networks())
        for threshold in (1.0, 0.3, 0.1)
    }
    records = views_of_networks().records
    np.testing.assert_array_equal(moved[1.0][0], records)
    lengths = [np.abs(m - records).max(axis=1) for m, _ in moved.values()]
    assert (lengths[1] <= lengths[2] + 1e-6).all()
    assert lengths[1].mean() < lengths[2].mean() - 0.05
    assert moved[0.1][1][2:].mean() < moved[0.3][1][2:].mean() < moved[1.0][1][2:].mean()


def test_more_iterations_find_other_perturbations():
    views = views_of_networks()
    few, many = (Oslo(iterations=i, budget=1.0, stages=2).perturb(views)[0] for i in (1, 10))
    assert (np.abs(few - many).max(axis=1) > 1e-3).mean() > 0.2


def test_out_shadows_are_divided_into_sources_and_validation_models():
    out = np.array([[0, 0, 1, 1, 1, 1], [0, 1, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], [0, 0, 0, 1, 1, 1]])
    sources, validates = split(out.astype(bool), 0.25)
    np.testing.assert_array_equal(sources.sum(0), [0, 1, 1, 2, 3, 3])
    np.testing.assert_array_equal(validates.sum(0), [0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(sources | validates, out.astype(bool))
    assert (sources & validates).sum() == 1  # the single OUT shadow of record 1
    sources, validates = split(out.astype(bool), 0.9)
    np.testing.assert_array_equal(validates.sum(0), [0, 1, 1, 2, 3, 3])
    np.testing.assert_array_equal(sources.sum(0), [0, 1, 1, 1, 1, 1])


def test_records_that_members_know_by_heart():
    """Networks that were trained on their members: the perturbation of others does not move them."""
    models, labels, member = random_population(n_models=8, n=60, n_classes=3)
    records = np.random.default_rng(0).normal(size=(60, 30)).astype(np.float32)
    networks = [fitted(records[row], labels[row], seed) for seed, row in enumerate(member)]
    views = dataclasses.replace(
        views_of(models, labels, member),
        records=records,
        reference_records=records[:0],
        target_models=[Closed(network) for network in networks],
        shadow_models=[NetworkModel(network) for network in networks],
    )
    scores = Oslo(threshold=0.3, stages=20, iterations=3).score_all(views)
    called = scores >= 1
    assert called[member].mean() > 0.8
    assert called[~member].mean() < 0.3
    assert auc(scores, member) > 0.8


def fitted(x, y, seed):
    """Return a network that was trained until it predicts the labels."""
    network = mlp(seed, (x.shape[1],))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    for _ in range(100):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimiser.step()
    return network


def test_saturated_networks_have_gradients():
    """The probability of the label rounds to one, and its logit still falls."""
    views = views_of_networks()
    for model in views.shadow_models:
        with torch.no_grad():
            model.network[-1].weight *= 300
    attack = Oslo(budget=1.0, stages=4, iterations=3)
    moved, confidence = attack.perturb(views)
    sure = Oslo(threshold=1.0).perturb(views)[1] > 0.95
    assert 0 < sure.sum() < len(sure)
    assert (moved != views.records).any(axis=1)[sure].all()
    assert np.isfinite(confidence).all()


@pytest.mark.parametrize("name", ["records", "target_models"])
def test_it_needs_records_and_models(name):
    views = dataclasses.replace(
        views_of_networks(), **{name: None if name == "records" else [], "shadow_models": []}
    )
    assert "predictions only" in Oslo().obstacle(views)
