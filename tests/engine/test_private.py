"""DP-SGD of a population against loops over examples, and whatever the chunk."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.functional import cross_entropy

from privbench.engine import (
    Batch,
    Diverged,
    PrivateSteps,
    Recipe,
    TrainingSets,
    can_train_privately,
    normal,
    train_each,
    train_privately,
)
from privbench.engine.private.clipping import ClippedSums
from privbench.engine.private.gaussian import GaussianNoise
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import Phase
from privbench.engine.private.gradient_noise import GradientNoise
from privbench.engine.private.steps import PrivateSteps
from privbench.engine.private.trainer import MIN_STEPS_TO_RECORD, Private
from privbench.engine.private.taps import find_layers

from .problems import (
    job,
    CLASSES,
    FEATURES,
    MODELS,
    RECIPES,
    SEEDS,
    assert_same,
    differ,
    mlp,
    own_sets,
    shared_sets,
)

CPU = torch.device("cpu")
STEPS = PrivateSteps(sample_rate=0.2, steps=12, noise_multiplier=0.7, max_grad_norm=0.5)


def train(sets=None, recipe=RECIPES["momentum"], private=STEPS, seeds=SEEDS, **options):
    return train_privately(mlp(), sets or shared_sets(), recipe, private, seeds, **options)


def example(x):
    """A batch of one record."""
    return Batch(x, torch.zeros(1, dtype=torch.int64), torch.tensor(0))


def tensors(x, y, is_example=None, **more):
    """The tensors of a batch, as ``ClippedSums`` takes them."""
    is_example = y >= 0 if is_example is None else is_example
    return {"x": x, "y": y, "is_example": is_example, **more}


def slow_clipped_sum(module, x, y, bound):
    """One gradient after another, clipped and added, by parameter."""
    trained = [p for p in module.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in trained]
    for record, label in zip(x, y, strict=True):
        loss = cross_entropy(module(record[None]), label[None])
        gradient = torch.autograd.grad(loss, trained)
        norm = torch.sqrt(sum(g.square().sum() for g in gradient))
        for sum_, g in zip(total, gradient, strict=True):
            sum_ += g * min(1.0, bound / (float(norm) + 1e-6))
    return total


class Positions(nn.Module):
    """Linear layers on several positions of a record: few of them, then many."""

    def __init__(self, positions):
        super().__init__()
        self.positions = positions
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3, bias=False)

    def forward(self, x):
        seen = self.first(x.view(len(x), self.positions, 4))
        return self.second(seen.tanh()).mean(1)


class Scaled(nn.Module):
    """A parameter that is of no layer, and a layer that is is_example twice."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, CLASSES)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 8))
        self.fixed = nn.Parameter(torch.ones(8), requires_grad=False)

    def forward(self, x):
        return self.last(self.first(self.first(x).relu()) * self.scale + self.fixed)


class Tied(nn.Module):
    """Its weight is is_example by a layer and elsewhere."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.layer(x) + self.layer.weight.sum(1)


def convolving():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Conv2d(4, 6, (2, 1), padding=(1, 0), dilation=(2, 1), groups=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.LazyLinear(CLASSES),
    )


def lines():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2),
        nn.GroupNorm(1, 4, affine=True),
        nn.Flatten(),
        nn.LazyLinear(CLASSES),
    )


def made(build, shape):
    """As ``build``, with the sizes of its lazy layers."""

    def full():
        module = build()
        module(torch.zeros(1, *shape))
        return module

    return full


ARCHITECTURES = {
    "mlp": (mlp(), (FEATURES,)),
    "no bias": (lambda: nn.Sequential(nn.Linear(6, 5, bias=False), nn.Linear(5, 3)), (6,)),
    "few positions": (lambda: Positions(2), (8,)),
    "many positions": (lambda: Positions(30), (120,)),
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3)),
        (6,),
    ),
    "layer norm of positions": (
        lambda: nn.Sequential(nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 3)),
        (3, 4),
    ),
    "cnn": (made(convolving, (2, 7, 6)), (2, 7, 6)),
    "cnn of lines": (made(lines, (2, 9)), (2, 9)),
    "parameter": (Scaled, (8,)),
    "tied": (Tied, (8,)),
    "padding of its own": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding="same", padding_mode="circular"),
            *(nn.Conv2d(2, 1, 3, padding="same"), nn.Flatten(), nn.Linear(16, 3)),
        ),
        (1, 4, 4),
    ),
}


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_clipped_sums_are_those_of_one_example_after_another(name, stacked):
    build, shape = ARCHITECTURES[name]
    rng = torch.Generator().manual_seed(0)
    models = MODELS if stacked else 1
    modules = [build_seeded(build, seed) for seed in SEEDS[:models]]
    population = Population.of(build, modules)
    weights = {**population.params, **population.buffers}
    x = 3 * torch.randn(models, 9, *shape, generator=rng)
    y = torch.randint(0, CLASSES, (models, 9), generator=rng)
    is_example = torch.rand(models, 9, generator=rng) < 0.7
    is_example[models // 2 + 1 :] = False  # a batch without records
    sums = ClippedSums(modules[0], population, example(x[0, :1]), stacked=stacked)
    for bound in (0.1, 100.0):
        found = sums(weights, tensors(x, y, is_example), bound, 0.25)
        for i, module in enumerate(modules):
            expected = slow_clipped_sum(module, x[i, is_example[i]], y[i, is_example[i]], bound)
            for got, total in zip(found, expected, strict=True):
                torch.testing.assert_close(got[i], 0.25 * total, atol=1e-5, rtol=1e-4)


class Noisy(nn.Module):
    """Takes noise beside the record, and has a parameter that is of no layer."""

    def __init__(self):
        super().__init__()
        self.body, self.scale = nn.Linear(FEATURES, CLASSES), nn.Parameter(torch.ones(CLASSES))

    def forward(self, x, noise):
        return self.body(x) * self.scale + noise


def noisy_loss(forward, batch):
    return (forward(batch.x, batch.random_inputs).square().sum(-1) + batch.y).exp().log1p()


@pytest.mark.parametrize("stacked", [True, False])
def test_clipped_sums_of_another_loss_with_noise(stacked):
    models = 3 if stacked else 1
    modules = [build_seeded(Noisy, seed) for seed in SEEDS[:models]]
    population = Population.of(Noisy, modules)
    rng = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(models, 7, k, generator=rng) for k in (FEATURES, CLASSES))
    y = torch.randint(0, 2, (models, 7), generator=rng)
    first = Batch(x[0, :1], y[0, :1], torch.tensor(0), noise[0, :1])
    sums = ClippedSums(modules[0], population, first, stacked=stacked, loss=noisy_loss)
    assert sums.untapped == ["scale"]
    found = sums(population.params, tensors(x, y, random_inputs=noise), 0.5)
    for i, module in enumerate(modules):
        trained = [module.get_parameter(name) for name in sums.names]
        total = [torch.zeros_like(p) for p in trained]
        for j in range(7):
            one = slice(j, j + 1)
            batch = Batch(x[i, one], y[i, one], torch.tensor(0), noise[i, one])
            gradient = torch.autograd.grad(noisy_loss(module, batch)[0], trained)
            norm = torch.sqrt(sum(g.square().sum() for g in gradient))
            for sum_, g in zip(total, gradient, strict=True):
                sum_ += g * min(1.0, 0.5 / (float(norm) + 1e-6))
        for got, expected in zip(found, total, strict=True):
            torch.testing.assert_close(got[i], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("steps", [10, MIN_STEPS_TO_RECORD])
def test_training_with_a_noisy_loss_does_not_depend_on_chunks(steps):
    private = PrivateSteps(0.2, steps, 0.7, 0.5)
    options = {"loss": noisy_loss, "random_inputs": normal(CLASSES)}
    sets, recipe = shared_sets(), RECIPES["momentum"]
    together, apart = (
        train_privately(Noisy, sets, recipe, private, SEEDS, chunk=chunk, **options)
        for chunk in (MODELS, 1)
    )
    assert_same(together, apart)
    options["random_inputs"] = lambda rng, m: np.zeros((m, CLASSES), np.float32)
    other = train_privately(Noisy, sets, recipe, private, SEEDS, **options)
    assert differ(together, other)


def opacus_sum(module, x, y, bound):
    """By Opacus, with its default hooks: a gradient per example."""
    from opacus.grad_sample import GradSampleModule

    hooked = GradSampleModule(module, loss_reduction="sum")
    cross_entropy(hooked(x), y, reduction="sum").backward()
    trained = [p for p in module.parameters() if p.requires_grad]
    norms = torch.stack([p.grad_sample.flatten(1).norm(dim=1) for p in trained]).norm(dim=0)
    factor = (bound / (norms + 1e-6)).clamp(max=1.0)
    return [torch.einsum("i,i...->...", factor, p.grad_sample) for p in trained]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("name", ["mlp", "few positions", "layer norm", "cnn", "cnn of lines"])
def test_clipped_sums_are_those_of_opacus(name):
    build, shape = ARCHITECTURES[name]
    module = build_seeded(build, 5)
    population = Population.of(build, [module])
    rng = torch.Generator().manual_seed(1)
    x, y = torch.randn(12, *shape, generator=rng), torch.arange(12) % CLASSES
    sums = ClippedSums(module, population, example(x[:1]), stacked=False)
    found = sums(population.params, tensors(x[None], y[None]), 0.8)
    for ours, theirs in zip(found, opacus_sum(module, x, y, 0.8), strict=True):
        torch.testing.assert_close(ours[0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "cnn", "parameter"])
def test_padding_changes_nothing(name):
    build, shape = ARCHITECTURES[name]
    module = build_seeded(build, 5)
    population = Population.of(build, [module])
    weights = {**population.params, **population.buffers}
    x, y = torch.randn(1, 20, *shape), torch.zeros(1, 20, dtype=torch.int64)
    sums = ClippedSums(module, population, example(x[0, :1]), stacked=False)
    is_example = torch.arange(20)[None] < 12
    padded = sums(weights, tensors(x, y, is_example), 0.5)
    x[:, 12:] = 1e3  # whatever is there
    for got in (
        sums(weights, tensors(x, y, is_example), 0.5),
        sums(weights, tensors(x[:, :12], y[:, :12]), 0.5),
    ):
        for ours, theirs in zip(got, padded, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_layers_are_tapped_and_other_parameters_have_gradients_of_their_own():
    module = Scaled()
    sums = ClippedSums(
        module, Population.of(Scaled, [module]), example(torch.zeros(1, 8)), stacked=False
    )
    assert [layer.names for layer in sums.layers] == [["last.weight", "last.bias"]]
    assert sums.untapped == ["scale", "first.weight", "first.bias"]


def test_recorded_steps_give_the_models_of_steps_that_are_not(monkeypatch):
    long = PrivateSteps(0.2, MIN_STEPS_TO_RECORD, 0.7, 0.5)
    recorded = train(private=long)
    monkeypatch.setattr("privbench.engine.private.trainer.MIN_STEPS_TO_RECORD", MIN_STEPS_TO_RECORD + 1)
    assert_same(recorded, train(private=long), atol=1e-4)


def test_batches_are_padded_to_few_lengths():
    assert PrivateSteps(64 / 2505, 1, 1.0, 1.0).lengths(2505) == [80, 96]
    assert PrivateSteps(1.0, 1, 1.0, 1.0).lengths(40) == [40]
    assert PrivateSteps(0.5, 1, 1.0, 1.0).lengths(10) == [10]


def one_by_one(private, recipe):
    """The same training in plain PyTorch, for ``train_each``."""

    def loop(module, x, y, rng):
        noise = GaussianNoise(int(rng.integers(2**63)), CPU)
        sizes = [parameter.numel() for parameter in module.parameters()]
        drawn = torch.empty(sum(sizes))
        optimizer = recipe.make_optimizer(module.parameters())
        for _ in range(private.steps):
            batch = np.flatnonzero(rng.random(len(x)) < private.sample_rate)
            sums = slow_clipped_sum(module, x[batch], y[batch], private.max_grad_norm)
            noise.fill(drawn, private.noise_multiplier * private.max_grad_norm)
            triples = zip(module.parameters(), sums, drawn.split(sizes), strict=True)
            for parameter, total, own in triples:
                noisy = total + own.view_as(total)
                parameter.grad = noisy / (private.sample_rate * len(x))
            optimizer.step()

    return loop


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("sets", [shared_sets(), own_sets()], ids=["shared", "own"])
def test_the_models_are_those_of_a_plain_loop(recipe, sets):
    slow = train_each(mlp(), sets, SEEDS, one_by_one(STEPS, recipe))
    assert_same(train(sets, recipe), slow, atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_chunks_change_nothing(chunk):
    assert_same(train(chunk=chunk), train())


def test_a_model_depends_on_its_seed_and_set_only():
    sets = shared_sets()
    alone = train(type(sets)(sets.x, sets.y, sets.index[2:3]), seeds=SEEDS[2:3])
    everyone = train(sets)
    for name, weights in alone.params.items():
        torch.testing.assert_close(weights[0], everyone.params[name][2], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        PrivateSteps(0.3, 12, 0.7, 0.5),
        PrivateSteps(0.2, 11, 0.7, 0.5),
        PrivateSteps(0.2, 12, 0.8, 0.5),
        PrivateSteps(0.2, 12, 0.7, 0.6),
    ],
    ids=["sample_rate", "steps", "noise_multiplier", "max_grad_norm"],
)
def test_every_parameter_matters(change):
    assert differ(train(), train(private=change))


def test_the_noise_has_the_law_it_states():
    """With nothing to learn from, weights move by the mean of the steps' noise."""
    private = PrivateSteps(1e-9, 1, 3.0, 0.5)
    recipe = Recipe("sgd", 1.0, 0.0, 0.0, 1, 8)
    seeds = range(200)
    sets = shared_sets()
    sets = type(sets)(sets.x, sets.y, sets.index[:1].expand(200, -1).contiguous())
    found = train(sets, recipe, private, seeds)
    start = Population.of(mlp(), [build_seeded(mlp(), seed) for seed in seeds])
    moved = [(found.params[n] - start.params[n]).flatten() for n in found.params]
    noise = torch.cat(moved) * 1e-9 * sets.m
    assert float(noise.mean()) == pytest.approx(0.0, abs=4 * 1.5 / len(noise) ** 0.5)
    assert float(noise.std()) == pytest.approx(1.5, rel=0.02)
    # Models do not share their noise.
    both = torch.stack([found.params["0.weight"][i] - start.params["0.weight"][i] for i in (0, 1)])
    assert abs(np.corrcoef(both.flatten(1).numpy())[0, 1]) < 0.4


def test_progress_counts_steps():
    seen = []
    train(chunk=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (MODELS * 12, MODELS * 12)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_diverging_models_are_named():
    with pytest.raises(Diverged, match=r"model \d diverged"):
        train(recipe=Recipe("sgd", 1e38, 0.9, 0.0, 1, 8))


class FunctionalDropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.nn.functional.dropout(self.layer(x), 0.5, self.training)


@pytest.mark.parametrize(
    ("build", "shape", "word"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), (4,), "mixes the examples"),
        (lambda: nn.Linear(4, 4).requires_grad_(False), (4,), "no parameters to train"),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), (4,), "Dropout"),
        (FunctionalDropout, (4,), "random"),
    ],
)
def test_what_it_cannot_train(build, shape, word):
    sets = TrainingSets.own(torch.zeros(2, 3, *shape), torch.zeros(2, 3, dtype=torch.int64))
    before = torch.random.get_rng_state()
    assert word in can_train_privately(build, sets, "cpu")
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_it_can_train():
    sets = TrainingSets.own(torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, dtype=torch.int64))
    build = lambda: nn.Sequential(  # noqa: E731
        nn.Flatten(), nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 2)
    )
    assert can_train_privately(build, sets, "cpu") == ""


def test_frozen_parameters_stay_and_do_not_count():
    def build():
        module = mlp()()
        module[0].requires_grad_(False)
        return module

    found = train_privately(build, shared_sets(), RECIPES["momentum"], STEPS, SEEDS)
    start = Population.of(build, [build_seeded(build, seed) for seed in SEEDS])
    torch.testing.assert_close(found.params["0.weight"], start.params["0.weight"])
    assert not torch.equal(found.params["3.weight"], start.params["3.weight"])
    # The norm to which gradients are clipped is that of the trained parameters.
    modules = [build_seeded(build, seed) for seed in SEEDS]
    x, y = torch.randn(MODELS, 4, FEATURES), torch.zeros(MODELS, 4, dtype=torch.int64)
    sums = ClippedSums(modules[0], start, example(x[0, :1]), stacked=True)
    expected = slow_clipped_sum(modules[1], x[1], y[1], 0.1)
    assert sums.names == ["3.weight", "3.bias"]
    for got, total in zip(sums(start.params, tensors(x, y), 0.1), expected, strict=True):
        torch.testing.assert_close(got[1], total, atol=1e-5, rtol=1e-4)


def generators(*seeds):
    return [np.random.default_rng([seed, 3]) for seed in seeds]


@pytest.mark.parametrize("shapes", [[(32, 6), (32,), (3, 32), (30,)], [(32, 6), (3,), (2, 5)]])
def test_each_model_has_its_own_stream_for_all_parameters(shapes):
    sizes = [torch.Size(shape) for shape in shapes]
    noise = GradientNoise(generators(1, 2), 0.75, sizes, CPU)
    seeds = [int(np.random.default_rng([seed, 3]).integers(2**63)) for seed in (1, 2)]
    streams = [GaussianNoise(seed, CPU) for seed in seeds]
    for _ in range(2):
        stacked = torch.zeros(2, *shapes[0])
        separate = [[torch.zeros(shape) for _ in range(2)] for shape in shapes[1:]]
        noise.add_to([stacked, *separate])
        for model, stream in enumerate(streams):
            expected = torch.empty(sum(size.numel() for size in sizes))
            stream.fill(expected, 0.75)
            found = [stacked[model], *(of_models[model] for of_models in separate)]
            assert torch.equal(torch.cat([one.flatten() for one in found]), expected)


def test_memory_bounds_the_models_at_once():
    small = PrivateSteps(0.2, 1, 0.7, 0.5)
    trainer = Private(job(mlp()), small, stacked=True)
    schedules = [trainer.schedule(memory) for memory in (1, 2**40)]
    assert [(one.strategy, one.chunk) for one in schedules] == [("batched", 1), ("batched", MODELS)]


@pytest.mark.parametrize("shape", [(100, 100), (99, 101)], ids=["blocks", "other"])
def test_the_noise_is_gaussian_and_new_for_each_model_and_step(shape):
    noise = GradientNoise(generators(1, 2, 2**62), 0.75, [torch.Size(shape)], CPU)
    steps = []
    for _ in range(2):
        means = torch.zeros(3, *shape)
        noise.add_to([means])
        steps.append(means.flatten(1))
    drawn = torch.cat(steps).numpy()  # (two steps of three models, numbers)
    for one in drawn:
        assert kstest(one / 0.75, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(drawn) - np.eye(6)).max() < 0.05  # sd 0.01


def test_taps_name_the_layers():
    module = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2))
    params = dict(module.named_parameters())
    layers = find_layers(params, lambda: functional_call(module, params, (torch.zeros(1, 4),)))
    assert [(one.weight, one.bias, one.shape) for one in layers] == [
        ("0.weight", None, (3,)),
        ("2.weight", "2.bias", (2,)),
    ]


def test_convolutions_are_trained_one_model_at_a_time_on_a_cpu():
    build, shape = ARCHITECTURES["cnn"]
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(MODELS, 20, *shape, generator=rng)
    sets = TrainingSets.own(x, torch.arange(20).expand(MODELS, 20) % CLASSES)
    assert can_train_privately(build, sets, "cpu") == ""
    found = train_privately(build, sets, RECIPES["momentum"], STEPS, SEEDS)
    slow = train_each(build, sets, SEEDS, one_by_one(STEPS, RECIPES["momentum"]))
    assert_same(found, slow, atol=1e-4)


def test_a_module_that_cannot_be_trained_is_an_error():
    build = lambda: nn.Sequential(nn.Linear(FEATURES, 3), nn.Dropout(0.5))  # noqa: E731
    with pytest.raises(ValueError, match="Dropout draws masks"):
        train_privately(build, shared_sets(), RECIPES["sgd"], STEPS, SEEDS)


def test_layers_of_functions_that_are_called_by_hand():
    """As ``F.conv1d(x, w, stride=2)``; an input without a batch has no examples to tell apart."""

    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.v = nn.Parameter(torch.ones(2, 1, 3)), nn.Parameter(torch.ones(3, 2))

        def forward(self, x):
            seen = functional.conv1d(input=x[:, None], weight=self.w, stride=2).mean(-1)
            return functional.linear(seen, weight=self.v)

    module = ByHand()
    sums = ClippedSums(
        module, Population.of(ByHand, [module]), example(torch.zeros(1, 9)), stacked=False
    )
    assert [layer.names for layer in sums.layers] == [["w"], ["v"]]
    x, y = torch.randn(1, 5, 9), torch.tensor([[0, 1, 2, 0, 1]])
    found = sums(dict(Population.of(ByHand, [module]).params), tensors(x, y), 0.2)
    for got, total in zip(found, slow_clipped_sum(module, x[0], y[0], 0.2), strict=True):
        torch.testing.assert_close(got[0], total, atol=1e-5, rtol=1e-4)
