import pytest

from privbench.config import NONE


def test_mechanisms_by_what_they_act_on(load):
    (defense,) = load(defenses='["both"]').defenses
    assert [bound.name for bound in defense.at("training")] == ["dp-sgd"]
    assert [bound.name for bound in defense.at("output")] == ["output-noise"]
    assert defense.at("data") == defense.at("latent") == ()


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ('generator = "vae"', True),
        ('mechanisms = ["input-noise"]', True),
        ('mechanisms = ["output-noise"]', False),
    ],
)
def test_a_generator_or_a_data_mechanism_makes_a_release(load, pipeline, expected):
    text = f"[defenses.x]\n{pipeline}\n"
    (defense,) = load(prefix=text, defenses='["x"]').defenses
    assert defense.releases is expected
    assert not NONE.releases
