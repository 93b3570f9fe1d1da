"""Precision: the same numbers whether models are stacked or alone, and float32 where it must be."""

from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from privbench.engine.core.loss import Batch, cross_entropy
from privbench.engine.core.precision import _tf32, check_precision, computing, forward_of
from privbench.engine.speed.linear import speed_up
from privbench.engine.speed.tracing import trace

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
MODELS, BATCH, SHAPE, CLASSES = 3, 5, (2, 8, 8), 4


def dense():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(128, 16), nn.ReLU(), nn.LayerNorm(16), nn.Linear(16, CLASSES)
    )


def convolutional():
    return nn.Sequential(
        *(nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.GroupNorm(2, 8), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, CLASSES)),
    )


def batch_norm():
    return nn.Sequential(
        nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, CLASSES)
    )


def modules(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [build() for _ in range(MODELS)]


def batches():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(MODELS, BATCH, *SHAPE)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(rng.integers(0, CLASSES, (MODELS, BATCH)))


def losses_of(module, weights, x, y, precision):
    batch = Batch(x, y, torch.tensor(0))
    return cross_entropy(forward_of(module, weights, precision), batch)


def alone(module, x, y, precision):
    """Losses of one model, and the gradients of their mean."""
    weights = {n: p.detach().requires_grad_() for n, p in module.named_parameters()}
    both = {**weights, **dict(module.named_buffers())}
    losses = losses_of(module, both, x, y, precision)
    return losses, torch.autograd.grad(losses.mean(), list(weights.values()))


def stacked_weights(parts):
    names = dict(parts[0].named_parameters())
    return {
        n: torch.stack([dict(part.named_parameters())[n].detach() for part in parts]) for n in names
    }


def stacked(skeleton, weights, x, y, precision):
    """Losses (models, batch), and the gradients of the sum of each model's mean."""
    weights = {n: w.detach().requires_grad_() for n, w in weights.items()}

    def one(weights, x, y):
        return losses_of(skeleton, weights, x, y, precision)

    losses = vmap(one, randomness="different")(weights, x, y)
    return losses, torch.autograd.grad(losses.mean(1).sum(), list(weights.values()))


def close(left, right, atol):
    for a, b in zip(left, right, strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=0)


@pytest.mark.parametrize("build", [dense, convolutional, batch_norm])
def test_float32_is_the_module_itself(build):
    module, (x, _) = modules(build)[0], batches()
    weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for precision in ("float32", "tf32"):
        found = forward_of(module, weights, precision)(x[0])
        assert torch.equal(found, functional_call(module, weights, (x[0],)))


@pytest.mark.parametrize("build", [dense, convolutional, batch_norm])
def test_bf16_rounds_and_little_more(build):
    """A bfloat16 has 8 bits: each value is off by up to 1/256 of itself."""
    module, (x, y) = modules(build)[0], batches()
    low, full = (alone(module, x[0], y[0], precision) for precision in ("bf16", "float32"))
    assert low[0].dtype == torch.float32
    assert {gradient.dtype for gradient in low[1]} == {torch.float32}
    assert not torch.equal(low[0], full[0])
    torch.testing.assert_close(low[0], full[0], atol=0.05, rtol=0)
    close(low[1], full[1], atol=0.05)


@pytest.mark.parametrize("build", [dense, convolutional])
def test_bf16_multiplies_what_is_rounded(build):
    """The first product sees bfloat16 weights and records, as if they had been rounded beforehand."""
    module, (x, _) = modules(build)[0], batches()
    seen = []
    for part in module.modules():
        if not list(part.children()):
            part.register_forward_hook(lambda part, args, out: seen.append((args[0], out)))
    logits = forward_of(module, dict(module.named_parameters()), "bf16")(x[0])
    assert {tensor.dtype for pair in seen for tensor in pair} == {torch.bfloat16}
    assert torch.equal(seen[0][0].float(), x[0].bfloat16().float())
    assert torch.equal(logits, seen[-1][1].float())
    assert {weight.dtype for weight in module.parameters()} == {torch.float32}


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast linear"])
@pytest.mark.parametrize("build", [dense, convolutional])
def test_bf16_is_the_same_stacked_alone_and_recorded(build, fast):
    parts, (x, y) = modules(build), batches()
    expected = [alone(*each, "bf16") for each in zip(parts, x, y, strict=True)]
    skeleton = speed_up(parts[0]) if fast else parts[0]
    weights = stacked_weights(parts)
    losses, gradients = stacked(skeleton, weights, x, y, "bf16")
    assert losses.dtype == torch.float32
    close(losses, [one for one, _ in expected], atol=0.02)
    for model, (_, own) in enumerate(expected):
        close([gradient[model] for gradient in gradients], own, atol=0.01)

    def recorded(x, y, *values):
        return stacked(skeleton, dict(zip(weights, values, strict=True)), x, y, "bf16")[1]

    replay = trace(recorded, x, y, *weights.values())
    close(replay(x, y, *weights.values()), gradients, atol=0)


@pytest.mark.parametrize("build", [dense, convolutional])
def test_bf16_under_per_example_gradients(build):
    module, (x, y) = modules(build)[0], batches()
    weights = {n: p.detach() for n, p in module.named_parameters()}

    def loss(weights, x, y):
        return losses_of(module, weights, x[None], y[None], "bf16")[0]

    found = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x[0], y[0])
    assert {gradient.dtype for gradient in found.values()} == {torch.float32}
    mean = [gradient.mean(0) for gradient in found.values()]
    close(mean, alone(module, x[0], y[0], "bf16")[1], atol=0.01)


def test_running_statistics_stay_float32_and_are_updated():
    module, (x, y) = modules(batch_norm)[0], batches()
    alone(module, x[0], y[0], "bf16")
    statistics = module[1].running_mean
    assert statistics.dtype == torch.float32
    assert statistics.any()
    assert module[1].num_batches_tracked == 1


def test_all_that_a_module_takes_and_returns_is_cast():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x, choice):
            assert x.dtype == torch.bfloat16
            return {"codes": self.inner(x), "choice": choice}, None

    module, choice = Two(), torch.arange(3)
    found, nothing = forward_of(module, dict(module.named_parameters()), "bf16")(
        torch.ones(3, 4), choice
    )
    assert found["codes"].dtype == torch.float32
    assert found["choice"] is choice
    assert nothing is None


@pytest.mark.parametrize("precision", ["float32", "bf16", "tf32"])
def test_unknown_precisions_and_devices(precision):
    check_precision(precision, CUDA)
    if precision == "tf32":
        with pytest.raises(ValueError, match=r"precision: tf32 needs a CUDA device, not cpu"):
            check_precision(precision, CPU)
    else:
        check_precision(precision, CPU)
    with pytest.raises(ValueError, match=r"precision: 'fp16' .*float32, tf32, bf16"):
        check_precision("fp16", CPU)


def settings():
    return (
        torch.backends.cuda.matmul.fp32_precision,
        torch.backends.cudnn.conv.fp32_precision,
    )


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="torch before 2.9"
)
@pytest.mark.parametrize(
    ("precision", "rule"), [("float32", "ieee"), ("bf16", "ieee"), ("tf32", "tf32")]
)
def test_products_and_convolutions_are_rounded_only_for_tf32(precision, rule):
    """The settings exist without a GPU too. By default torch lets convolutions use TF32."""
    before = settings()
    inside = []

    def fail():
        with computing(precision, CUDA):
            inside.append(settings())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [(rule, rule)]
    assert settings() == before


def test_older_torch_has_other_names_for_the_settings():
    class Backend:
        allow_tf32 = True

    products, convolutions = Backend(), Backend()
    module = "privbench.engine.core.precision"
    with (
        mock.patch(f"{module}.NEW", False),
        mock.patch("torch.backends.cuda.matmul", products),
        mock.patch("torch.backends.cudnn", convolutions),
    ):
        with computing("float32", CUDA):
            assert (products.allow_tf32, convolutions.allow_tf32) == (False, False)
            with computing("tf32", CUDA):
                assert (products.allow_tf32, convolutions.allow_tf32) == (True, True)
        assert (products.allow_tf32, convolutions.allow_tf32) == (True, True)


def test_nothing_is_set_on_a_cpu():
    before = _tf32()
    with computing("float32", CPU):
        assert _tf32() == before
    with pytest.raises(ValueError, match="tf32"), computing("tf32", CPU):
        pass
