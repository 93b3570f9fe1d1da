"""What all output mechanisms have in common: valid outputs, and the predicted class."""

import numpy as np
import pytest

import privbench
from privbench.mechanisms.hamp import HampOutput
from privbench.mechanisms.label_only import LabelOnlyOutput
from privbench.mechanisms.memguard import MemGuard
from privbench.mechanisms.rounding import Rounding
from privbench.mechanisms.temperature import Temperature
from privbench.mechanisms.top_k import TopK

from .outputs import CLASSES, context, model, outputs, rng

PLAIN = [
    Temperature(temperature=0.3), Temperature(temperature=7), Rounding(digits=1), Rounding(digits=3),
    TopK(k=1), TopK(k=3), LabelOnlyOutput(),
]  # fmt: skip


FITTED = [MemGuard(epochs=5, steps=20), MemGuard(epochs=5, steps=20, budget=0.1), HampOutput()]


every_mechanism = pytest.mark.parametrize("mechanism", PLAIN + FITTED, ids=str)


each_plain = pytest.mark.parametrize("mechanism", PLAIN, ids=str)


sharp = np.array([[1.0, 0, 0, 0, 0], [0, 1 - 1e-9, 1e-9, 0, 0], [0.6, 0.4, 0, 0, 0]])


@every_mechanism
def test_outputs_are_probabilities_with_the_same_predicted_class(mechanism):
    transform = mechanism.fit(context(), rng())
    for bare in (outputs(), sharp, model(rng(1).normal(size=(50, 6)))):
        before = bare.copy()
        found = transform(bare, rng(2))
        assert found.shape == bare.shape
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        np.testing.assert_array_equal(bare, before)
        top = np.take_along_axis(found, bare.argmax(1)[:, None], axis=1)[:, 0]
        np.testing.assert_array_equal(top, found.max(1))  # rounding may create ties
        if mechanism.name != "rounding":
            np.testing.assert_array_equal(found.argmax(1), bare.argmax(1))


@each_plain
def test_outputs_are_transformed_one_by_one_without_randomness(mechanism):
    bare = outputs()
    found = mechanism.fit(context(), rng(3))(bare, rng(4))
    np.testing.assert_array_equal(found, mechanism.apply(bare, rng(5)))
    one_by_one = np.concatenate([mechanism.apply(one[None], rng()) for one in bare])
    np.testing.assert_array_equal(found, one_by_one)


@pytest.mark.parametrize(
    "mechanism", [Temperature(temperature=3), TopK(k=2), LabelOnlyOutput(), Rounding(digits=2)], ids=str
)  # fmt: skip
def test_no_class_is_special(mechanism):
    bare, order = outputs(), rng(1).permutation(CLASSES)
    turned = mechanism.apply(bare[:, order], rng())
    np.testing.assert_allclose(turned, mechanism.apply(bare, rng())[:, order])


@pytest.mark.parametrize("mechanism", [HampOutput(), MemGuard()], ids=str)
def test_mechanisms_that_need_a_fit_refuse_to_apply(mechanism):
    assert mechanism.needs_fit
    with pytest.raises(TypeError, match=f"{mechanism.name} .*use fit"):
        mechanism.apply(outputs(), rng())


BENCHMARK = """
[defenses.guarded]
mechanisms = [{ name = "memguard", epochs = 2, steps = 5 }]

[defenses.humble]
mechanisms = ["hamp", "hamp-output"]

[benchmarks.small]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [16], epochs = 2 }]
defenses = ["guarded", "humble"]
attacks = ["loss", "label-only"]
population = 3
pool = 100
canaries = 0
"""


def test_fitted_mechanisms_run_from_a_benchmark_to_rows(tmp_path):
    path = tmp_path / "benchmarks.toml"
    path.write_text(BENCHMARK)
    frame = privbench.run("small", config=path, results=tmp_path / "results")
    assert set(frame["status"]) == {"ok"}
    assert set(frame["defense"]) == {"guarded", "humble"}
    assert set(frame["attack"]) == {"loss", "label-only"}
