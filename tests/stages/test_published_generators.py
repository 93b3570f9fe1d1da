"""Generators that only draw new records, and attacks that are handed fitted generators."""

import numpy as np
import pytest

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.plugins.host import PluginHost

PLUGIN = '''
import numpy as np
import privbench


class Fitted(privbench.FittedSampler):
    """Noise around the mean of each class, and of the class's nearest record to the origin."""

    def __init__(self, spec, least):
        self.spec, self.least = spec, least

    def sample(self, n, rng):
        y = rng.integers(0, self.spec.n_classes, n)
        x = rng.standard_normal((n, *self.spec.shape))
        return privbench.Data(x.astype(np.float32), y, self.spec)

    def state(self):
        return {"least": self.least}


class Stateless(Fitted):
    def state(self):
        return None


class Least(privbench.SamplingGenerator):
    """Draws noise, but keeps the smallest first feature of its training set among its weights."""

    name = "least"

    def fit(self, data, rng):
        return Fitted(data.spec, np.sort(data.x.reshape(len(data), -1)[:, 0]))

    def restore(self, state, spec):
        return Fitted(spec, state["least"])


class Bare(privbench.SamplingGenerator):
    """The same, without a state."""

    name = "bare"

    def fit(self, data, rng):
        return Stateless(data.spec, data.x)


class Inside(privbench.SyntheticAttack):
    """Whether the generator keeps the record's first feature; shadows are told apart as well."""

    name = "inside"
    observes = "generator"
    needs_shadows = "no"

    def score(self, view):
        assert len(view.shadow_generators) == len(view.shadows) == len(view.shadow_member)
        for generator, member in zip(view.shadow_generators, view.shadow_member, strict=True):
            kept = np.isin(view.records.reshape(len(member), -1)[:, 0], generator.least)
            assert (kept == member).all()
        return np.isin(view.records.reshape(len(view.labels), -1)[:, 0], view.generator.least) * 1.0


class Outside(privbench.SyntheticAttack):
    """The same, without the generators."""

    name = "outside"
    needs_shadows = "no"

    def score(self, view):
        assert view.generator is None and not view.shadow_generators
        return np.zeros(len(view.labels))


class Reconstructs(Least, privbench.Generator):
    """Says that it encodes records, and cannot."""

    name = "reconstructs"
    release: str = "reconstruct"


@privbench.hookimpl
def register_generators(register):
    register(Least)
    register(Bare)
    register(Reconstructs)


@privbench.hookimpl
def register_attacks(register):
    register(Inside)
    register(Outside)
'''
DEFENSES = """
[defenses.least]
generator = "least"

[defenses.bare]
generator = "bare"

[defenses.reconstructs]
generator = "reconstructs"

[defenses.flipped]
mechanisms = [{ name = "randomized-response", epsilon = 1.0 }]

"""


@pytest.fixture
def rows_of(config, tmp_path):
    """Run the small benchmark with the plugin, and return its rows on records."""
    (tmp_path / "least.py").write_text(PLUGIN)
    config.write_text(DEFENSES + config.read_text())

    def run(*overrides):
        host = PluginHost([str(tmp_path / "least.py")], installed=False)
        assert host.failures == []
        chosen = Overrides.parse(("mlp.epochs=1", 'knowledge=["adaptive"]', *overrides))
        (plan,) = make_plans(["small"], host, config=config, overrides=chosen)
        rows = run_plan(plan, host, results=tmp_path / "results", device="cpu")
        return [row for row in rows if row["subset"] == "records"]

    return run


def test_an_attack_that_observes_generators_sees_each_as_its_state_rebuilds_it(rows_of):
    (inside, outside) = rows_of('defenses=["least"]', 'attacks=["inside", "outside"]')
    assert (inside["status"], inside["reason"], inside["auc"]) == ("ok", "", 1.0)
    assert inside["observes"] == "generator"
    assert (outside["status"], outside["auc"]) == ("ok", 0.5)


@pytest.mark.parametrize(
    ("defense", "reason"),
    [
        ("none", "an attack on released data, and this defense releases none"),
        ("flipped", "an attack on generators, and this defense has none"),
        ("bare", "an attack on generators, and bare has no state to be published"),
    ],
)
def test_without_a_generator_to_be_published_it_is_skipped(rows_of, defense, reason):
    (row,) = rows_of(f'defenses=["{defense}"]', 'attacks=["inside"]')
    assert row["status"] == "skipped"
    assert reason in row["reason"]


def test_a_generator_that_cannot_encode_says_what_to_subclass(rows_of):
    (row,) = rows_of('defenses=["reconstructs"]', 'attacks=["loss"]')
    assert row["status"] == "failed"
    assert "fit returned Fitted, expected a FittedGenerator" in row["reason"]
    assert "privbench.SamplingGenerator" in row["reason"]


def test_the_shadows_of_a_part_of_the_views_have_their_own_generators(rows_of):
    """Groups of models are left out by taking parts of views."""
    from privbench.attacks.synthetic import SyntheticViews

    generators = [object() for _ in range(4)]
    views = SyntheticViews(
        records=np.zeros((3, 2), np.float32), labels=np.zeros(3, np.int64),
        targets=[None] * 4, shadows=[None] * 4, shadow_member=np.zeros((4, 3), bool),
        reference=None, rngs=[None] * 4,
        target_generators=generators, shadow_generators=generators,
    )  # fmt: skip
    assert views[1].generator is generators[1]
    assert views[1].shadow_generators == [generators[0], *generators[2:]]
    part = views.part(np.array([3]), np.array([0, 2]))
    assert part[0].generator is generators[3]
    assert part[0].shadow_generators == [generators[0], generators[2]]
