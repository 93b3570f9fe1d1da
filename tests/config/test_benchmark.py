import json

import pytest

from privbench.config import NONE, Unavailable


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


def test_all_of_a_benchmark_as_json(load):
    """With parameters that have their defaults, too."""
    content = load(defenses='["both"]', population="6", seeds="[0, 2]").to_json()
    assert json.loads(json.dumps(content)) == content
    assert (content["population"], content["seeds"]) == (6, [0, 2])
    (defense,) = content["defenses"]
    assert (defense["label"], defense["generator"]) == ("both", None)
    assert [bound["name"] for bound in defense["mechanisms"]] == ["dp-sgd", "output-noise"]
    assert "delta" in defense["mechanisms"][0]["params"]
    assert defense["mechanisms"][0]["from"].startswith("privbench ")
    for kind in ("datasets", "models", "attacks"):
        assert set(content[kind][0]) == {"label", "name", "from", "params"}
    missing = Unavailable("mine", "plugin mine failed").to_json()
    assert missing == {"label": "mine", "unavailable": "plugin mine failed"}
