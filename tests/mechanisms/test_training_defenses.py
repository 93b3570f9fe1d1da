"""Defenses in training: their losses against slow references, and whole trainings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import permutations, product

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import kstest
from torch import nn
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional

from privbench.data import Data, DataSpec
from privbench.engine import Batch, Population, TrainingSets, cross_entropy, train_population
from privbench.errors import Incompatible
from privbench.mechanisms.adversarial_regularization import AdversarialRegularization, gain
from privbench.mechanisms.adversary import Adversarial
from privbench.mechanisms.base import TrainingTask
from privbench.mechanisms.distillation import Distillation, entropy, softmax, to_targets
from privbench.mechanisms.dropout import Dropout
from privbench.mechanisms.early_stopping import EarlyStopping
from privbench.mechanisms.hamp import Hamp, entropy_of, top_probability
from privbench.mechanisms.label_smoothing import LabelSmoothing
from privbench.mechanisms.mixup import Mixup
from privbench.mechanisms.mmd import Mmd, discrepancy
from privbench.mechanisms.relaxloss import RelaxLoss
from privbench.mechanisms.selena import Selena
from privbench.mechanisms.weight_decay import WeightDecay
from privbench.models.logistic import Logistic
from privbench.models.mlp import Mlp

FEATURES, CLASSES, M = 8, 3, 60
SPEC = DataSpec("tabular", (FEATURES,), CLASSES)
SEEDS = [11, 2**62 + 5, 7]
MLP = Mlp(hidden=(16,), epochs=3, batch_size=20)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2 * M, FEATURES)).astype(np.float32)
Y = RNG.integers(0, CLASSES, 2 * M)  # at random: there is nothing to learn but the records
REFERENCE = Data(
    RNG.normal(size=(30, FEATURES)).astype(np.float32), RNG.integers(0, CLASSES, 30), SPEC
)
INDEX = np.stack([RNG.permutation(2 * M)[:M] for _ in SEEDS])
SELENA = Selena(sub_models=5, left_out=2)
MECHANISMS = [
    WeightDecay(), Dropout(), EarlyStopping(), LabelSmoothing(), Mixup(), RelaxLoss(alpha=1.1), Hamp(),
    Mmd(), Distillation(), SELENA, AdversarialRegularization(),
]  # fmt: skip


def named(mechanism):
    return mechanism.name if hasattr(mechanism, "name") else None


every_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS, ids=named)


def task(model=MLP, m=M, x=X, y=Y, progress=lambda done, total: None):
    sets = TrainingSets.shared(x, y, INDEX[:, :m])
    return TrainingTask(model, SPEC, sets, REFERENCE, SEEDS, "cpu", progress)


@cache
def training(mechanism):
    """The population of a mechanism, and the calls of its progress."""
    calls = []
    whole = task(progress=lambda *call: calls.append(call))
    return mechanism.train_population(whole), calls


def trained(mechanism):
    return training(mechanism)[0]


def some(whole, models):
    seeds = [whole.seeds[i] for i in models]
    return replace(whole, sets=whole.sets.take(models), seeds=seeds)


def assert_close(left, right, atol=1e-4):
    """The same weights, model by model."""
    torch.testing.assert_close(left.params, right.params, atol=atol, rtol=1e-4)


def differ(left, right):
    return any(not torch.allclose(t, right.params[n], atol=1e-5) for n, t in left.params.items())


def reference_losses(population):
    y = torch.tensor(REFERENCE.y)
    logits = torch.tensor(population.predict(REFERENCE.x))
    return torch.stack([functional.cross_entropy(one, y) for one in logits])


# Losses of one batch


def linear(scale=1.0, seed=0):
    torch.manual_seed(seed)
    layer = nn.Linear(FEATURES, CLASSES)
    with torch.no_grad():
        layer.weight.mul_(scale)
    return layer


def batch(n=10, epoch=0, **more):
    return Batch(torch.tensor(X[:n]), torch.tensor(Y[:n]), torch.tensor(epoch), **more)


def others(n=10):
    return {"other_x": torch.tensor(REFERENCE.x[:n]), "other_y": torch.tensor(REFERENCE.y[:n])}


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.7, 1.0])
def test_label_smoothing_is_that_of_torch(smoothing):
    found = LabelSmoothing(smoothing=smoothing).loss(linear(), batch())
    torchs = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")
    torch.testing.assert_close(found, torchs(linear()(batch().x), batch().y))


def mixup_by_hand(forward, one):
    losses = []
    for i in range(len(one.y)):
        share = one.noise[i, 0]
        logits = forward(share * one.x[i] + (1 - share) * one.x[i - 1])
        of = [functional.cross_entropy(logits, one.y[j]) for j in (i, i - 1)]
        losses.append(share * of[0] + (1 - share) * of[1])
    return torch.stack(losses)


def test_mixup_mixes_each_record_with_the_one_before():
    one = batch(noise=torch.rand(10, 1))
    torch.testing.assert_close(Mixup().loss(linear(), one), mixup_by_hand(linear(), one))


@pytest.mark.parametrize(("share", "shift"), [(1.0, 0), (0.0, 1)])
def test_mixup_with_one_of_the_two_is_cross_entropy_on_it(share, shift):
    found = Mixup().loss(linear(), batch(noise=torch.full((10, 1), share)))
    torch.testing.assert_close(found, cross_entropy(linear(), batch()).roll(shift))


def test_mixup_mixes_images():
    x, y, noise = torch.rand(6, 2, 3, 3), torch.arange(6) % 3, torch.rand(6, 1)
    forward = nn.Sequential(nn.Flatten(), nn.Linear(18, 3))
    flat = Mixup().loss(forward, Batch(x.flatten(1), y, torch.tensor(0), noise))
    torch.testing.assert_close(Mixup().loss(forward, Batch(x, y, torch.tensor(0), noise)), flat)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_shares_of_mixtures_come_from_the_beta_distribution(alpha):
    for mechanism in (Mixup(alpha=alpha), Mmd(mixup_alpha=alpha)):
        shares = mechanism.noise(np.random.default_rng(0), 2000)
        assert shares.shape == (2000, 1)
        assert kstest(shares[:, 0], "beta", (alpha, alpha)).pvalue > 1e-3
    assert Mmd(mixup_alpha=0).noise(np.random.default_rng(0), 5) is None


@pytest.mark.parametrize("epoch", [0, 1])
def test_relaxloss_descends_a_loss_above_its_level(epoch):
    found = RelaxLoss(alpha=0.0).loss(linear(), batch(epoch=epoch))
    torch.testing.assert_close(found, cross_entropy(linear(), batch()))


@pytest.mark.parametrize("epoch", [0, 2, 8])
def test_relaxloss_pushes_a_low_loss_up_in_even_epochs(epoch):
    found = RelaxLoss(alpha=9.0).loss(linear(), batch(epoch=epoch))
    mean = cross_entropy(linear(), batch()).mean()
    torch.testing.assert_close(found, (9.0 - mean).expand(10))


@pytest.mark.parametrize("upper", [0.3, 1.0])
def test_relaxloss_flattens_in_odd_epochs(upper):
    forward, same = linear(scale=3), linear(scale=3)
    found = RelaxLoss(alpha=9.0, upper=upper).loss(forward, batch(epoch=3))
    expected = []
    for x, y in zip(batch().x, batch().y, strict=True):
        answer = same(x).softmax(-1)
        top = min(answer[y].item(), upper)  # a number: no gradient flows through it
        soft = [top if c == y else (1 - top) / (CLASSES - 1) for c in range(CLASSES)]
        expected.append(-sum(soft[c] * answer[c].log() for c in range(CLASSES)))
    torch.testing.assert_close(found, torch.stack(expected))
    found.mean().backward()
    torch.stack(expected).mean().backward()
    torch.testing.assert_close(forward.weight.grad, same.weight.grad)


@pytest.mark.parametrize("weight", [0.0, 0.01, 2.0])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_hamp_is_kl_to_soft_labels_minus_weighted_entropy(share, weight):
    found = Hamp(entropy=share, weight=weight).loss(linear(), batch())
    answers, top = Categorical(logits=linear()(batch().x)), top_probability(share, CLASSES)
    soft = torch.full((10, CLASSES), (1 - top) / (CLASSES - 1))
    soft[range(10), batch().y] = top
    expected = kl_divergence(Categorical(soft), answers) - weight * answers.entropy()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_limits_of_hamp():
    hard = Hamp(entropy=1e-9, weight=0).loss(linear(), batch())
    torch.testing.assert_close(hard, cross_entropy(linear(), batch()), atol=1e-4, rtol=1e-4)
    flat = Hamp(entropy=1 - 1e-12, weight=0).loss(linear(), batch())
    uniform = Categorical(torch.full((10, CLASSES), 1 / CLASSES))
    expected = kl_divergence(uniform, Categorical(logits=linear()(batch().x)))
    torch.testing.assert_close(flat, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 100])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_soft_labels_have_the_entropy_asked_for(share, classes):
    top = top_probability(share, classes)
    soft = torch.full((classes,), (1 - top) / (classes - 1), dtype=torch.float64)
    soft[0] = top
    assert top > 1 / classes
    assert Categorical(soft).entropy() == pytest.approx(share * np.log(classes), rel=1e-5)
    assert entropy_of(top, classes) == pytest.approx(share * np.log(classes), rel=1e-9)


def dirichlet(n, seed, concentration=1.0):
    rng = np.random.default_rng(seed)
    return (
        torch.tensor(rng.dirichlet(np.full(CLASSES, concentration), n)),
        torch.tensor(rng.integers(0, CLASSES, n)),
    )


@pytest.mark.parametrize("bandwidth", [0.1, 0.5, 3.0])
def test_discrepancy_is_that_of_a_double_loop(bandwidth):
    def mean(p, q=None):
        """Over all pairs of ``p`` and ``q``, or over those of two different ones of ``p``."""
        pairs = product(p, q) if q is not None else permutations(p, 2)
        return np.mean([np.exp(-((x - y) ** 2).sum() / (2 * bandwidth**2)) for x, y in pairs])

    def of_class(answers, label):
        return answers[0][answers[1] == label].numpy()

    a, b = dirichlet(9, 0), dirichlet(7, 1)
    pairs = [(of_class(a, label), of_class(b, label)) for label in range(CLASSES)]
    pairs = [(p, q) for p, q in pairs if len(p) > 1 and len(q) > 1]
    assert 0 < len(pairs) < CLASSES
    expected = np.mean([mean(p) + mean(q) - 2 * mean(p, q) for p, q in pairs])
    assert discrepancy(*a, *b, bandwidth).item() == pytest.approx(expected)
    assert discrepancy(*b, *a, bandwidth).item() == pytest.approx(expected)


def test_discrepancy_is_zero_on_average_where_answers_are_alike():
    """Of two sets of the same distribution: however few they are, and nothing to gain by being alike."""
    found = [
        discrepancy(*dirichlet(7, i), *dirichlet(9, i + 5000), 0.5).item() for i in range(2000)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(2000)


def test_discrepancy_of_a_class_does_not_depend_on_how_many_there_are():
    a, b = dirichlet(12, 0)[0], dirichlet(12, 1, 0.2)[0]
    one, zero = torch.ones(12, dtype=torch.int64), torch.zeros(12, dtype=torch.int64)
    alone = discrepancy(a, one, b, one, 0.5)
    beside = discrepancy(
        torch.cat([a, a]), torch.cat([one, zero]), torch.cat([b, b]), torch.cat([one, zero]), 0.5
    )
    torch.testing.assert_close(alone, beside)
    assert alone > 0
    assert discrepancy(a, one, b, zero, 0.5) == 0  # nothing to compare with


def test_discrepancy_is_larger_for_the_more_different():
    a, b = dirichlet(20, 0), dirichlet(20, 1)
    uniform = torch.full_like(a[0], 1 / CLASSES)
    found = [discrepancy(*a, w * uniform + (1 - w) * b[0], b[1], 0.5) for w in (0, 0.3, 0.6, 1)]
    assert found[-1] == max(found)
    assert found[-1] > 0.01


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_mmd_adds_the_weighted_discrepancy_to_the_loss(alpha):
    forward, one = linear(), batch(noise=torch.rand(10, 1) if alpha else None, **others())
    fit = mixup_by_hand(forward, one) if alpha else cross_entropy(forward, one)
    own, other = forward(one.x).softmax(-1), forward(one.other_x).softmax(-1)
    extra = discrepancy(own, one.y, other, one.other_y, 0.2)
    found = Mmd(weight=5, bandwidth=0.2, mixup_alpha=alpha).loss(forward, one)
    torch.testing.assert_close(found, fit + 5 * extra)


def test_mmd_moves_the_answers_on_training_records_only():
    forward, one = linear(), batch(**others())
    fixed = forward(one.other_x).softmax(-1).detach()
    extra = discrepancy(forward(one.x).softmax(-1), one.y, fixed, one.other_y, 0.5)
    (cross_entropy(forward, one).mean() + 2 * extra).backward()
    expected = forward.weight.grad.clone()
    forward.zero_grad()
    Mmd(weight=2, bandwidth=0.5, mixup_alpha=0).loss(forward, one).mean().backward()
    torch.testing.assert_close(forward.weight.grad, expected)


def test_to_targets_is_cross_entropy_to_probabilities():
    targets = dirichlet(10, 0)[0].float()
    found = to_targets(linear(), batch(targets=targets))
    logits = linear()(batch().x)
    torch.testing.assert_close(found, functional.cross_entropy(logits, targets, reduction="none"))
    hard = to_targets(linear(), batch(targets=functional.one_hot(batch().y, CLASSES).float()))
    torch.testing.assert_close(hard, cross_entropy(linear(), batch()))


def test_softmax_and_entropy_are_those_of_torch():
    logits = 5 * torch.randn(2, 6, CLASSES, dtype=torch.float64)
    found = softmax(logits.numpy())
    torch.testing.assert_close(torch.tensor(found), logits.softmax(-1).float())
    expected = Categorical(logits=logits).entropy()
    torch.testing.assert_close(torch.tensor(entropy(found)), expected, check_dtype=False)
    np.testing.assert_array_equal(entropy(np.eye(CLASSES)), 0.0)


def test_gain_is_minus_the_log_likelihood_of_membership():
    module, one = Adversarial(linear(), CLASSES, 4), batch(**others())
    inside, outside = module(one.x, one.y)[1], module(one.other_x, one.other_y)[1]
    of = [functional.binary_cross_entropy_with_logits(logit, label, reduction="none")
          for logit, label in ((inside, torch.ones(10)), (outside, torch.zeros(10)))]  # fmt: skip
    torch.testing.assert_close(gain(module, one), (of[0] + of[1]) / 2)


def test_the_adversary_answers_as_the_model_and_sees_answer_and_label():
    module, x, y = Adversarial(linear(), CLASSES, 16), batch().x, batch().y
    logits, inside = module(x, y)
    torch.testing.assert_close(logits, linear()(x))
    assert inside.shape == (10,)
    assert not torch.allclose(inside, module(x, (y + 1) % CLASSES)[1])
    assert not torch.allclose(inside, module(x.roll(1, 0), y)[1])
    module.model.bias.data += 3.0  # other logits, the same answers
    torch.testing.assert_close(module(x, y)[1], inside)


# Whole trainings


@every_mechanism
def test_the_population_is_of_the_target_model_and_progress_ends(mechanism):
    found, calls = training(mechanism)
    module = task().build()
    assert set(found.params) == {name for name, _ in module.named_parameters()}
    assert set(found.buffers) == {name for name, _ in module.named_buffers()}
    assert len(found) == len(SEEDS)
    for name, weight in module.named_parameters():
        assert found.params[name].shape == (len(SEEDS), *weight.shape)
    Population.from_state(task().build, found.state())  # as the store reads it
    done, total = calls[-1]
    assert done == total > 0
    shares = [done / total for done, total in calls]
    assert shares == sorted(shares)


@every_mechanism
def test_a_model_follows_from_its_own_seed_and_records(mechanism):
    """The same each time, whatever the other models are; and another seed gives another model."""
    others = replace(task(), sets=task().sets.take([2, 0]), seeds=[SEEDS[2], 99])
    found, before = mechanism.train_population(others), trained(mechanism)
    for name, weight in found.params.items():
        torch.testing.assert_close(weight[0], before.params[name][2], atol=1e-4, rtol=1e-4)
        assert not torch.allclose(weight[1], before.params[name][0], atol=1e-3)


CHANGES = [
    (WeightDecay(), {"strength": 0.1}),
    (Dropout(), {"rate": 0.1}),
    (LabelSmoothing(), {"smoothing": 0.5}),
    (Mixup(), {"alpha": 0.1}),
    (RelaxLoss(alpha=1.0), {"alpha": 1.2}),
    (RelaxLoss(alpha=9.0), {"upper": 0.2}),
    (Hamp(), {"entropy": 0.5}),
    (Hamp(), {"weight": 0.5}),
    (Mmd(), {"weight": 0.1}),
    (Mmd(), {"bandwidth": 2.0}),
    (Mmd(), {"mixup_alpha": 0.0}),
    (Mmd(), {"mixup_alpha": 0.1}),
    (Distillation(), {"temperature": 10.0}),
    (Distillation(), {"share": 0.5}),
    (SELENA, {"sub_models": 6}),
    (SELENA, {"left_out": 3}),
    (AdversarialRegularization(), {"weight": 30.0}),
    (AdversarialRegularization(), {"attack_steps": 2}),
    (AdversarialRegularization(), {"hidden": 16}),
    (AdversarialRegularization(attack_lr=1e-3), {"attack_lr": 0.1}),
]


@pytest.mark.parametrize(("mechanism", "change"), CHANGES, ids=lambda one: named(one) or str(one))
def test_every_parameter_changes_the_weights(mechanism, change):
    changed = mechanism.model_copy(update=change)
    assert differ(trained(mechanism), trained(changed))


def test_no_parameter_is_forgotten():
    tried = {(type(mechanism), name) for mechanism, change in CHANGES for name in change}
    tried.add((EarlyStopping, "patience"))  # in a test of its own
    classes = {type(mechanism) for mechanism in MECHANISMS}
    assert tried == {(cls, name) for cls in classes for name in cls.model_fields}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weight_decay_is_that_of_the_recipe(optimizer):
    model = Mlp(hidden=(16,), epochs=3, batch_size=20, lr=0.02, optimizer=optimizer)
    own = model.model_copy(update={"weight_decay": 0.3})
    found = WeightDecay(strength=0.3).train_population(task(model))
    assert_close(found, task(own).train(), atol=0)
    replaced = WeightDecay(strength=0.3).train_population(task(own))
    assert_close(found, replaced, atol=0)  # in the place of the model's own


def test_early_stopping_stops_where_there_is_nothing_to_learn():
    model = Mlp(hidden=(16,), epochs=12, batch_size=20, lr=0.3)
    stopped = reference_losses(EarlyStopping().train_population(task(model)))
    last = reference_losses(task(model).train())
    assert (stopped <= last + 1e-6).all()
    assert (stopped < last - 0.1).all()


def test_patience_waits_for_better_epochs():
    whole = task(Mlp(hidden=(16,), epochs=12, batch_size=4, lr=0.05, momentum=0))
    hasty, patient = (EarlyStopping(patience=p).train_population(whole) for p in (1, 9))
    assert (reference_losses(patient) <= reference_losses(hasty) + 1e-6).all()
    assert differ(hasty, patient)


def test_dropout_is_that_of_a_model_with_dropout_layers():
    """Inputs of the second linear layer are dropped: so does mlp's own dropout."""
    own = Mlp(hidden=(16, 12), epochs=2, batch_size=20, dropout=0.4)
    bare = Mlp(hidden=(16, 12), epochs=2, batch_size=20)
    found = Dropout(rate=0.4).train_population(task(bare)).state().values()
    expected = task(own).train().state().values()  # its layers have other numbers in their names
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_dropout_does_not_act_on_answers_nor_on_the_module_of_the_task():
    whole = task()
    found = Dropout(rate=0.9).train_population(whole)
    np.testing.assert_array_equal(found.predict(X), found.predict(X))
    stored = Population.from_state(whole.build, found.state())
    np.testing.assert_allclose(found.predict(X), stored.predict(X), atol=1e-6)
    module = whole.build().train()
    assert torch.equal(module(torch.tensor(X)), module(torch.tensor(X)))


def test_dropout_needs_a_layer_behind_the_first():
    with pytest.raises(Incompatible, match="dropout: the model has no linear layer behind"):
        Dropout().train_population(task(Logistic(epochs=1)))


@dataclass(frozen=True)
class Recording(TrainingTask):
    """Hands out populations that are given to it before it trains, and notes what it is asked for."""

    ready: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def train(self, **options):
        self.asked.append(options)
        return self.ready.pop(0) if self.ready else super().train(**options)


def recording(whole, *ready):
    return Recording(**vars(whole), ready=list(ready))


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_distillation_is_a_teacher_and_a_student_on_its_surest_answers(share):
    whole = task()
    teachers = whole.part(0, 2).train()
    x, y, targets = [], [], []
    for i in range(len(SEEDS)):
        logits = torch.tensor(teachers.predict_one(i, REFERENCE.x))
        answers = Categorical(logits=logits / 3.0)
        chosen = sorted(answers.entropy().argsort()[: round(30 * share)].tolist())
        x.append(REFERENCE.x[chosen])
        y.append(REFERENCE.y[chosen])
        targets.append(answers.probs[chosen].numpy())
    expected = train_population(
        whole.build,
        TrainingSets.own(np.stack(x), np.stack(y)).adding(targets=np.stack(targets)),
        MLP.recipe(),
        whole.part(1, 2).seeds,
        loss=lambda forward, batch: functional.cross_entropy(
            forward(batch.x), batch.targets, reduction="none"
        ),
    )
    found = Distillation(temperature=3.0, share=share).train_population(whole)
    assert_close(found, expected)


def test_students_know_private_records_from_their_teachers_only():
    teachers = task().train()
    first = Distillation().train_population(recording(task(), teachers))
    elsewhere = task(x=X[::-1] + 1, y=(Y + 1) % CLASSES)
    again = Distillation().train_population(recording(elsewhere, teachers))
    assert_close(first, again, atol=0)
    assert differ(first, Distillation().train_population(elsewhere))


@pytest.mark.parametrize(("k", "left_out"), [(5, 2), (25, 10), (7, 6), (7, 1)])
@pytest.mark.parametrize("m", [25, 60, 175])
def test_each_record_is_left_out_of_as_many_sub_models(k, left_out, m):
    trains = Selena(sub_models=k, left_out=left_out).split(m, 3)
    assert trains.shape == (k, m)
    out = (~trains).sum(axis=0)
    assert out.min() == left_out
    assert (out > left_out).sum() <= m % k  # of a block that is not full
    assert len(set(trains.sum(axis=1))) == 1


def test_what_is_left_out_beside_has_nothing_to_do_with_the_place():
    mechanism = Selena(sub_models=25, left_out=10)
    out = np.mean([(~mechanism.split(60, seed)).sum(axis=0) for seed in range(300)], axis=0)
    assert abs(out[:30].mean() - out[30:].mean()) < 0.3  # of 12.5


def test_splits_follow_from_the_seed():
    first, again, other = (SELENA.split(60, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first, axis=1).T) > 5  # not the same sub-models for all of a place


@dataclass(frozen=True)
class Knowing:
    """Sub-models that answer with their own number, as surely as can be."""

    k: int

    def predict_one(self, number, x):
        return 80.0 * np.eye(self.k, dtype=np.float32)[np.full(len(x), number % self.k)]


@pytest.mark.parametrize("m", [60, 58])
def test_the_target_of_a_record_comes_from_sub_models_that_never_met_it(m):
    whole = recording(task(m=m), Knowing(5))
    SELENA.train_population(replace(whole, spec=DataSpec("tabular", (FEATURES,), 5)))
    subs, released = whole.asked
    index, targets = subs["sets"].index.numpy(), released["sets"].targets.numpy()
    assert index.shape[0] == 5 * len(SEEDS)
    for i in range(len(SEEDS)):
        for position, record in enumerate(INDEX[i, :m]):
            never = [record not in index[5 * i + j] for j in range(5)]
            assert sum(never) >= 2
            np.testing.assert_allclose(
                targets[i, position], np.array(never) / sum(never), atol=1e-9
            )
        assert set(index[5 * i : 5 * i + 5].ravel()) <= set(INDEX[i, :m])
    torch.testing.assert_close(released["sets"].index, whole.sets.index)


def test_selena_does_not_depend_on_other_models_where_blocks_are_not_full():
    whole, mechanism = task(), Selena(sub_models=25, left_out=10)  # 60 records: two blocks and 10
    whole = replace(whole, sets=whole.sets.take([0, 1]), seeds=whole.seeds[:2])
    found = mechanism.train_population(whole)
    for i in range(2):
        alone = mechanism.train_population(some(whole, [i]))
        expected = {name: weight[[i]] for name, weight in found.params.items()}
        torch.testing.assert_close(alone.params, expected, atol=1e-4, rtol=1e-4)


def test_selena_needs_as_many_records_as_sub_models():
    with pytest.raises(Incompatible, match="selena: 20 records are fewer than 25 sub-models"):
        Selena().train_population(task(m=20))


@pytest.mark.parametrize("left_out", [5, 6])
def test_selena_must_leave_sub_models_to_train(left_out):
    with pytest.raises(ValidationError, match=rf"left_out: {left_out} of 5 sub-models"):
        Selena(sub_models=5, left_out=left_out)


def test_the_attack_is_thrown_away_and_its_weight_counts():
    weak, strong = (trained(AdversarialRegularization(weight=w)) for w in (1e-6, 30.0))
    assert set(weak.params) == set(strong.params) == {"1.weight", "1.bias", "3.weight", "3.bias"}
    assert differ(weak, strong)
    assert_close(weak, task().train())  # the model is initialised and trained as without an attack


def test_adversarial_regularization_is_two_losses_in_turn():
    """One model of full batches of one epoch: an attack's step, then a model's step."""
    whole = task(Mlp(hidden=(16,), epochs=1, batch_size=M, lr=0.1))
    small = replace(whole, reference=REFERENCE.take(np.repeat(5, M)))  # which are drawn is the same
    found = AdversarialRegularization(weight=2.0, hidden=8, attack_lr=0.03).train_population(small)
    for i, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        module = Adversarial(whole.build(), CLASSES, 8)
        (x, y), other = whole.sets.one(i), small.reference
        outside = module(torch.tensor(other.x), torch.tensor(other.y))[1]
        lost = functional.softplus(-module(x, y)[1]) + functional.softplus(outside)
        module.zero_grad()
        (0.5 * lost.mean()).backward()
        torch.optim.Adam(module.attack.parameters(), lr=0.03).step()
        logits, inside = module(x, y)
        module.zero_grad()
        loss = functional.cross_entropy(logits, y) + 2.0 * functional.logsigmoid(inside).mean()
        loss.backward()
        torch.optim.SGD(module.model.parameters(), lr=0.1).step()
        for name, weight in module.model.named_parameters():
            torch.testing.assert_close(found.params[name][i], weight, atol=1e-4, rtol=1e-3)
