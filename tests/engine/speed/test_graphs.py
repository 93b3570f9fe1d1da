"""Captured steps: on a fake that records like CUDA does, and on CUDA where there is one."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from privbench.engine import Recipe
from privbench.engine.speed import graphs
from privbench.engine.speed.graphs import captured, make_capturable, snapshot

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
RECIPES = {
    "sgd": Recipe("sgd", 0.1, 0.0, 0.0, 1, 4),
    "momentum": Recipe("sgd", 0.1, 0.9, 0.05, 1, 4),
    "adam": Recipe("adam", 0.01, 0.0, 0.05, 1, 4),
    "adamw": Recipe("adamw", 0.01, 0.0, 0.05, 1, 4),
}
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


class Fake:
    """Recording executes nothing; a replay does what was recorded."""

    def __init__(self):
        self.calls = []

    def aside(self, run):
        self.calls.append("aside")
        run()

    def record(self, run):
        self.calls.append("record")

        def replay():
            self.calls.append("replay")
            run()

        return replay


class Network:
    """A small network in training, on ``device``."""

    def __init__(self, recipe, device=CPU):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.module = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        self.module.to(device)
        self.optimizer = recipe.make_optimizer(self.module.parameters())
        self.seen = []

    @property
    def state(self):
        return [*self.module.parameters(), *self.module.buffers()]

    def step(self, x, y):
        self.seen.append((x.data_ptr(), y.data_ptr()))
        self.optimizer.zero_grad()
        functional.cross_entropy(self.module(x), y).backward()
        self.optimizer.step()

    def captured(self, batch, device=CUDA, backend=None, **options):
        return captured(
            self.step, batch, self.state, self.optimizer, device, backend=backend, **options
        )


def batches(n=5, device=CPU):
    generator = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(4, 3, generator=generator).to(device),
            torch.randint(0, 2, (4,), generator=generator).to(device),
        )
        for _ in range(n)
    ]


def train(step, device=CPU):
    for batch in batches(device=device):
        step(*batch)


def same(left, right, **tolerance):
    for a, b in zip(left.state, right.state, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


@every_recipe
def test_replays_train_as_steps_do(recipe):
    plain, network = Network(recipe), Network(recipe)
    train(plain.step)
    train(network.captured(batches()[0], backend=Fake()))
    same(plain, network, atol=0, rtol=0)


@every_recipe
def test_a_recording_in_the_middle_of_training_goes_on_from_there(recipe):
    plain, network = Network(recipe), Network(recipe)
    make_capturable(network.optimizer)
    for one in (plain, network):
        train(one.step)
    train(plain.step)
    train(network.captured(batches()[2], backend=Fake()))
    same(plain, network, atol=0, rtol=0)


def test_warm_up_comes_first_and_every_call_is_one_replay():
    backend = Fake()
    step = Network(RECIPES["adam"]).captured(batches()[0], backend=backend, warmup=2)
    assert backend.calls == ["aside", "aside", "record"]
    train(step)
    assert backend.calls[3:] == ["replay"] * 5


def test_every_step_reads_the_same_places_which_are_not_the_callers():
    network, (first, *_) = Network(RECIPES["sgd"]), batches()
    kept = [tensor.clone() for tensor in first]
    train(network.captured(first, backend=Fake()))
    assert len(set(network.seen)) == 1
    assert network.seen[0] != tuple(tensor.data_ptr() for tensor in first)
    assert all(torch.equal(a, b) for a, b in zip(first, kept, strict=True))


def test_gradients_are_allocated_while_recording():
    network = Network(RECIPES["sgd"])

    class Watching(Fake):
        def record(self, run):
            assert all(weight.grad is None for weight in network.module.parameters())
            return super().record(run)

    network.captured(batches()[0], backend=Watching())


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.zeros(3, 3), torch.zeros(3, dtype=torch.int64)),
        (torch.zeros(4, 3, dtype=torch.float64), torch.zeros(4, dtype=torch.int64)),
    ],
)
def test_other_inputs_are_named(x, y):
    """A copy would spread one record over the whole batch, or round, without a word."""
    network = Network(RECIPES["sgd"])
    step = network.captured(batches()[0], backend=Fake())
    with pytest.raises(ValueError, match=r"recorded for inputs .*\(4, 3\), torch.float32"):
        step(x, y)
    with pytest.raises(ValueError, match="recorded for inputs"):
        step(x)


def test_a_recording_of_the_first_step_is_refused():
    """It would start momentum at the gradient in every replay."""
    with pytest.raises(ValueError, match="warmup: 0 is out of bounds"):
        Network(RECIPES["momentum"]).captured(batches()[0], backend=Fake(), warmup=0)


@pytest.mark.parametrize("name", RECIPES)
def test_elsewhere_it_is_the_step_itself(name):
    network = Network(RECIPES[name])
    assert network.captured(batches()[0], device=CPU) == network.step
    assert not network.seen
    assert not any(group.get("capturable") for group in network.optimizer.param_groups)


@every_recipe
def test_a_snapshot_puts_everything_back(recipe):
    network = Network(recipe)
    kept = [tensor.detach().clone() for tensor in network.state]
    restore = snapshot(network.state, network.optimizer)
    train(network.step)
    assert not torch.equal(network.state[0], kept[0])
    restore()
    assert all(torch.equal(a, b) for a, b in zip(network.state, kept, strict=True))
    assert not any(
        value.any() for one in network.optimizer.state.values() for value in one.values()
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_recipe
def test_replays_train_as_steps_do_on_cuda(recipe):
    plain, network = Network(recipe, CUDA), Network(recipe, CUDA)
    train(plain.step, CUDA)
    train(network.captured(batches(device=CUDA)[0]), CUDA)
    assert len(network.seen) == 4  # three to warm up, one to record: replays run no Python
    same(plain, network, atol=1e-6, rtol=1e-5)


@every_recipe
def test_a_population_is_trained_by_captured_steps(recipe, monkeypatch):
    """As on CUDA, with the fake: the weights are those of steps that are not captured."""
    from privbench.engine import train_population
    from privbench.engine.strategies import batched, update

    from ..problems import RECIPES as OF_MODELS
    from ..problems import SEEDS, assert_same, mlp, shared_sets

    chosen = OF_MODELS["momentum" if recipe.optimizer == "sgd" else recipe.optimizer]
    made = []

    def fake(*arguments):
        made.append(Fake())
        monkeypatch.setattr(graphs, "has_cuda_graphs", lambda device: True)
        return captured(*arguments, backend=made[-1])

    plain = train_population(mlp(), shared_sets(), chosen, SEEDS, strategy="batched", chunk=5)
    monkeypatch.setattr(update, "has_cuda_graphs", lambda device: True)
    monkeypatch.setattr(batched, "captured", fake)
    found = train_population(mlp(), shared_sets(), chosen, SEEDS, strategy="batched", chunk=5)
    assert_same(plain, found)
    assert len(made) == 2  # whole batches, and the last one of an epoch
    replays = [backend.calls.count("replay") for backend in made]
    assert replays == [3 * 4, 3]  # three epochs of 37 records in batches of 8
