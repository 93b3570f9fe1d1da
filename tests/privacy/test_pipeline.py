"""Asking components for their guarantees."""

import pytest

from privbench.components import Distribution, Entry
from privbench.data import DataSpec
from privbench.errors import PrivbenchError
from privbench.generators.base import Generator
from privbench.mechanisms.base import OutputMechanism
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.pipeline import checked_guarantee, pipeline_of, stated_guarantee

CONTEXT = GuaranteeContext(DataSpec("binary", (6,), 3), 200, None, "dp-sgd")


class Stating(OutputMechanism):
    """States an epsilon that depends on the context."""

    name = "stating"

    def guarantee(self, context):
        return Guarantee("dp", context.n_train / 100, 0.0, "replace-one", "")

    def apply(self, probabilities, rng):
        return probabilities


class Reading(Stating):
    """Is fitted on outputs on members."""

    name = "reading"
    needs_fit = True


class Blind(Reading):
    """Is fitted, and not on members."""

    name = "blind"
    reads_members = False


class Copies(Generator):
    """States a guarantee by the same method."""

    name = "copies"
    fits_with_dp_sgd = True

    def guarantee(self, context):
        return Guarantee("dp", context.n_train / 50, 0.0, "add-remove", "")

    def fit(self, data, rng):
        raise NotImplementedError


class Wrong(Stating):
    """Returns a number."""

    name = "wrong"

    def guarantee(self, context):
        return 8.0


def bound(cls, **params):
    return Entry(cls, Distribution("test")).build(params, "test")


def test_each_component_is_asked_in_the_same_context():
    generator = bound(Copies, fitted_on="dp-sgd", release="sample")
    mechanisms = [bound(Stating), bound(Reading), bound(Blind)]
    pipeline = pipeline_of(generator, mechanisms, CONTEXT, scaled_together=True)
    assert pipeline.generator.guarantee.epsilon == 4.0
    assert (pipeline.generator.fitted_on, pipeline.generator.release) == ("dp-sgd", "sample")
    assert [m.guarantee.epsilon for m in pipeline.mechanisms] == [2.0] * 3
    assert [m.name for m in pipeline.mechanisms] == ["stating", "reading", "blind"]
    assert [m.reads_members for m in pipeline.mechanisms] == [False, True, False]
    assert (pipeline.n_train, pipeline.scaled_together) == (200, True)
    assert pipeline_of(None, [], CONTEXT, scaled_together=False).generator is None


def test_what_is_no_guarantee_is_refused():
    expected = "wrong: guarantee returned float, expected privbench.Guarantee or None"
    with pytest.raises(PrivbenchError, match=expected):
        stated_guarantee(bound(Wrong), CONTEXT)


def test_what_a_component_returns_is_a_guarantee_of_printable_texts():
    guarantee = Guarantee("dp", 1.0, 0.0, "replace-one", "caf\udce9")
    assert checked_guarantee(guarantee, "x").accountant == r"caf\udce9"
    assert checked_guarantee(None, "x") is None
    with pytest.raises(PrivbenchError, match="x: guarantee returned float"):
        checked_guarantee(8.0, "x")
