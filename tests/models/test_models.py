"""Each architecture against arithmetic in NumPy, and each parameter against what it changes."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.signal import correlate2d
from torch import nn

from privbench.data import DataSpec
from privbench.engine import Recipe
from privbench.models.base import EstimatorModel, TargetModel, TorchModel
from privbench.models.cnn import Cnn
from privbench.models.logistic import Logistic
from privbench.models.mlp import Mlp
from privbench.models.resnet9 import ResNet9

SHAPE, CLASSES = (2, 6, 5), 3
IMAGE = DataSpec("image", SHAPE, CLASSES)
TABLE = DataSpec("tabular", (7,), CLASSES)
BITS = DataSpec("binary", (7,), CLASSES)
MODELS = {"mlp": Mlp(hidden=(8, 4), dropout=0.5), "logistic": Logistic(), "cnn": Cnn(channels=3)}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def built(model, shape=SHAPE, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model.build(shape, CLASSES)


def weights_of(module):
    return [weight.detach().numpy().astype(np.float64) for weight in module.parameters()]


def shapes_of(module):
    return [tuple(weight.shape) for weight in module.parameters()]


def records(n=5, shape=SHAPE):
    return np.random.default_rng(0).normal(size=(n, *shape)).astype(np.float32)


def logits_of(module, x):
    with torch.no_grad():
        return module.eval()(torch.tensor(x)).numpy()


def relu(values):
    return np.maximum(values, 0)


def slow_layer(image, kernels, biases):
    """Convolution that keeps the size, ReLU, and the maximum of each 2x2 square, a filter at a time."""
    planes = []
    for kernel, bias in zip(kernels, biases, strict=True):
        pairs = zip(image, kernel, strict=True)
        plane = relu(sum(correlate2d(c, k, mode="same") for c, k in pairs) + bias)
        height, width = (side // 2 for side in plane.shape)
        squares = plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
        planes.append(squares.max(axis=(1, 3)))
    return np.stack(planes)


def test_logistic_is_one_linear_layer():
    module, x = built(Logistic()), records()
    w, b = weights_of(module)
    np.testing.assert_allclose(logits_of(module, x), x.reshape(5, -1) @ w.T + b, atol=1e-5)


def test_mlp_is_linear_layers_with_relu_between():
    module, x = built(MODELS["mlp"]), records()
    w1, b1, w2, b2, w3, b3 = weights_of(module)
    hidden = relu(relu(x.reshape(5, -1) @ w1.T + b1) @ w2.T + b2)
    np.testing.assert_allclose(logits_of(module, x), hidden @ w3.T + b3, atol=1e-5)


def test_cnn_is_two_convolutions_and_a_linear_layer():
    module, x = built(MODELS["cnn"]), records()
    k1, b1, k2, b2, w, b = weights_of(module)
    expected = [w @ slow_layer(slow_layer(image, k1, b1), k2, b2).ravel() + b for image in x]
    np.testing.assert_allclose(logits_of(module, x), expected, atol=1e-5)


@pytest.mark.parametrize("hidden", [(1,), (128,), (9, 4, 6)])
def test_sizes_of_mlp(hidden):
    widths = [(7, *hidden), (*hidden, CLASSES)]
    expected = [shape for a, b in zip(*widths, strict=True) for shape in ((b, a), (b,))]
    assert shapes_of(built(Mlp(hidden=hidden), (7,))) == expected


def test_sizes_of_logistic():
    assert shapes_of(built(Logistic(), (7,))) == [(3, 7), (3,)]
    assert shapes_of(built(Logistic(), SHAPE)) == [(3, 60), (3,)]


@pytest.mark.parametrize(
    ("shape", "flat"), [((1, 4, 4), 1), ((3, 7, 8), 2), ((1, 28, 28), 49), ((3, 4, 13), 3)]
)
@pytest.mark.parametrize("channels", [1, 16])
def test_sizes_of_cnn(shape, flat, channels):
    double = 2 * channels
    module = built(Cnn(channels=channels), shape)
    assert shapes_of(module) == [
        (channels, shape[0], 3, 3),
        (channels,),
        (double, channels, 3, 3),
        (double,),
        (CLASSES, double * flat),
        (CLASSES,),
    ]
    assert logits_of(module, records(2, shape)).shape == (2, CLASSES)


def test_dropout_drops_its_share_of_each_hidden_layer():
    """What survives is scaled up, so that the mean of a unit stays what it is without dropout."""
    module = built(Mlp(hidden=(1000, 900), dropout=0.3))
    kept = {}

    def watch(part, inputs, output):
        alive = inputs[0] > 0
        kept[part] = (output[alive] > 0).float().mean().item()
        survivors = output > 0
        torch.testing.assert_close(output[survivors], inputs[0][survivors] / 0.7)

    dropouts = [part for part in module if isinstance(part, nn.Dropout)]
    for part in dropouts:
        part.register_forward_hook(watch)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module.train()(torch.tensor(records(20)))
    assert list(kept.values()) == [pytest.approx(0.7, abs=0.03)] * 2


def test_dropout_is_for_training_only():
    module, x = built(MODELS["mlp"]), records()
    np.testing.assert_array_equal(logits_of(module, x), logits_of(module, x))
    without = built(Mlp(hidden=(8, 4)))
    np.testing.assert_array_equal(logits_of(module, x), logits_of(without, x))


@every_model
def test_weights_follow_from_torchs_default_generator(model):
    first, again, other = (built(model, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert not any(torch.equal(weight, other[name]) for name, weight in first.items())
    before = np.random.get_state()[1].copy()
    built(model)
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("model", [Mlp(), Logistic(), Cnn()], ids=MODELS)
def test_examples_do_not_mix_while_training(model):
    module, x = built(model).train(), torch.tensor(records())
    alone = torch.cat([module(x[i : i + 1]) for i in range(len(x))])
    torch.testing.assert_close(module(x), alone, atol=1e-6, rtol=1e-5)


CHANGES = {
    "optimizer": "adam",
    "lr": 0.25,
    "momentum": 0.5,
    "weight_decay": 0.125,
    "epochs": 3,
    "batch_size": 17,
    "hidden": (5, 6),
    "dropout": 0.25,
    "channels": 7,
    "precision": "bf16",
    "flip": lambda default: not default,
    "crop": 3,
    "width": 16,
    "groups": 4,
}


def described(model):
    return model.recipe(), model.precision, model.augmentation(), str(built(model))


@pytest.mark.parametrize(
    ("cls", "parameter"),
    [(cls, p) for cls in (Mlp, Logistic, Cnn, ResNet9) for p in cls.model_fields],
)
def test_each_parameter_changes_the_model_or_its_training(cls, parameter):
    change = CHANGES[parameter]
    if callable(change):
        change = change(cls.model_fields[parameter].default)
    assert described(cls(**{parameter: change})) != described(cls())


@every_model
def test_a_recipe_has_every_field(model):
    settings = {name: CHANGES[name] for name in Recipe.__dataclass_fields__}
    sgd = type(model)(**settings | {"optimizer": "sgd"})
    assert sgd.recipe() == Recipe("sgd", 0.25, 0.5, 0.125, 3, 17, "bf16")
    for optimizer in ("adam", "adamw"):  # they have no momentum
        other = type(model)(**settings | {"optimizer": optimizer})
        assert other.recipe() == Recipe(optimizer, 0.25, 0.0, 0.125, 3, 17, "bf16")


def test_default_recipes():
    assert Mlp().recipe() == Logistic().recipe() == Recipe("sgd", 0.1, 0.9, 0.0, 20, 64)
    assert Cnn().recipe() == Recipe("sgd", 0.05, 0.9, 0.0, 10, 64)
    assert ResNet9().recipe() == Recipe("sgd", 0.1, 0.9, 5e-4, 30, 128)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (Logistic, {"optimizer": "lion"}),
        (Logistic, {"lr": 0.0}),
        (Logistic, {"lr": math.inf}),
        (Logistic, {"momentum": 1.0}),
        (Logistic, {"momentum": -0.1}),
        (Logistic, {"weight_decay": -1e-9}),
        (Logistic, {"epochs": 0}),
        (Logistic, {"batch_size": 0}),
        (Logistic, {"hidden": (3,)}),
        (Mlp, {"hidden": ()}),
        (Mlp, {"hidden": (4, 0)}),
        (Mlp, {"dropout": 1.0}),
        (Mlp, {"dropout": -0.1}),
        (Cnn, {"channels": 0}),
        (Cnn, {"crop": -1}),
        (Logistic, {"precision": "float16"}),
        (ResNet9, {"width": 0}),
        (ResNet9, {"width": 1032}),
        (ResNet9, {"groups": 0}),
        (ResNet9, {"groups": 5}),
    ],
)
def test_bad_parameters(cls, params):
    with pytest.raises(ValidationError, match=next(iter(params))):
        cls(**params)


@pytest.mark.parametrize("spec", [IMAGE, TABLE, BITS])
def test_mlp_and_logistic_learn_any_data(spec):
    for model in (Mlp(), Logistic()):
        assert model.skip(spec) == ""
        assert logits_of(built(model, spec.shape), records(2, spec.shape)).shape == (2, CLASSES)


@pytest.mark.parametrize("spec", [TABLE, BITS])
def test_cnn_skips_what_is_no_image(spec):
    assert Cnn().skip(spec) == f"cnn needs images, and these records are {spec.kind}"


@pytest.mark.parametrize(
    ("height", "width", "runs"), [(4, 4, True), (3, 9, False), (9, 3, False), (3, 3, False)]
)
def test_cnn_skips_small_images(height, width, runs):
    """Two poolings leave nothing of three pixels."""
    reason = Cnn().skip(DataSpec("image", (3, height, width), CLASSES))
    assert reason == ("" if runs else f"cnn needs at least 4x4 pixels, got {height}x{width}")


def test_a_target_model_runs_everywhere_unless_it_says_otherwise():
    class Anything(TargetModel):
        name = "anything"

    assert [Anything().skip(spec) for spec in (IMAGE, TABLE, BITS)] == ["", "", ""]


@pytest.mark.parametrize(("base", "method"), [(TorchModel, "build"), (EstimatorModel, "fit")])
def test_a_model_without_its_method_cannot_be_made(base, method):
    class Unfinished(base):
        name = "unfinished"

    with pytest.raises(TypeError, match=method):
        Unfinished()
