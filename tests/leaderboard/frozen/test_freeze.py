"""What is published of frozen outputs, and what is not."""

import json
import stat
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from privbench.auditing import read_predictions
from privbench.config import read_file, resolve
from privbench.config.selection import selector
from privbench.datasets.loading import Datasets
from privbench.errors import BadInput
from privbench.leaderboard.frozen.freeze import freeze
from privbench.leaderboard.frozen.secret import membership_file, secret_seed
from privbench.plan import make_plan

NAMES = [
    f"npz-{defense}-mlp-{subset}"
    for defense in ("none", "soft")
    for subset in ("records", "canaries")
]


def planned(frozen, host, seed):
    """The membership that a benchmark draws from a public seed."""
    benchmark = resolve(read_file(frozen.config), "small", host.registries)
    datasets = Datasets()
    plan = make_plan(benchmark, selector(None), datasets)
    stage = plan.trials[0].metrics[0].setting
    assert stage.seed == seed
    return stage.draw(datasets.get).member


def test_half_of_the_models_are_shadows_whose_membership_is_public(frozen):
    outputs = frozen.outputs
    assert [population.name for population in outputs.populations] == NAMES
    for population in outputs.populations:
        assert (population.n_shadows, population.n_targets, population.n_pool) == (4, 4, 96)
        shadows = outputs.arrays(f"{population.name}/shadows.npz")
        targets = outputs.arrays(f"{population.name}/targets.npz")
        assert (shadows["member"].sum(axis=1) == 48).all()
        assert set(shadows) - set(targets) == {"member"}
        for arrays in (shadows, targets):
            assert arrays["logits"].shape == (4, 96, 2)
            np.testing.assert_allclose(np.exp(arrays["logits"]).sum(-1), 1, atol=1e-5)


def test_the_shadows_can_be_audited(frozen):
    predictions = read_predictions(frozen.public / NAMES[0] / "shadows.npz")
    assert predictions.member.shape == (4, 96)


def test_no_public_file_has_the_membership_of_targets_or_the_seed(frozen):
    seed = (frozen.secret / "seed").read_text().strip()
    contents = [path.read_bytes() for path in frozen.public.rglob("*") if path.is_file()]
    hidden = [seed.encode(), bytes.fromhex(seed)]
    for member in frozen.membership.values():
        hidden += [row.tobytes() for row in member] + [np.packbits(row).tobytes() for row in member]
    for secret in hidden:
        assert not any(secret in content for content in contents)
    shadow = frozen.outputs.arrays(f"{NAMES[0]}/shadows.npz")["member"][0]
    assert any(shadow.tobytes() in content for content in contents)  # it would be found


def test_membership_does_not_follow_from_the_seed_of_the_benchmark(frozen, host):
    of_benchmark = planned(frozen, host, seed=0)
    for member in frozen.membership.values():
        rows = [*member, *frozen.outputs.arrays(f"{NAMES[0]}/shadows.npz")["member"]]
        assert not any((row == drawn).all() for row in rows for drawn in of_benchmark)


def test_defenses_and_populations_have_membership_of_their_own(frozen):
    """Else undefended outputs would give away the membership of defended ones."""
    for first, second in combinations(NAMES, 2):
        agree = (frozen.membership[first] == frozen.membership[second]).mean()
        assert 0.3 < agree < 0.7, (first, second)


def test_a_secret_folder_is_for_one_user_and_one_set(frozen, tmp_path):
    secret_seed(tmp_path / "a")
    for file in (frozen.secret / "membership.json", tmp_path / "a" / "seed"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    with pytest.raises(BadInput, match="other frozen outputs; give a new folder"):
        secret_seed(frozen.secret)
    assert secret_seed(tmp_path / "a") == secret_seed(tmp_path / "a")  # an interrupted run goes on
    assert secret_seed(tmp_path / "a") != secret_seed(tmp_path / "b")
    (tmp_path / "a" / "seed").write_text("0")
    with pytest.raises(BadInput, match="not 64 hexadecimal digits"):
        secret_seed(tmp_path / "a")


def test_the_commitment_is_to_the_seed_and_every_bit(frozen):
    member = {"p": np.eye(3, dtype=bool)}
    flipped = {"p": ~np.eye(3, dtype=bool)}
    commitments = {
        membership_file("a", member)[1],
        membership_file("a", flipped)[1],
        membership_file("b", member)[1],
    }
    assert len(commitments) == 3
    assert frozen.outputs.commitment not in commitments


def test_the_manifest_names_no_seed_and_no_path(frozen):
    text = (frozen.public / "manifest.json").read_text()
    assert str(frozen.config.parent) not in text
    assert not any("seed" in key for key in json.loads(text))


class Trained(Exception):
    """Raised instead of training."""


def frozen_with(frozen, host, folder, defenses=(), **changes):
    """Freeze the benchmark with changes, up to where it would train."""

    def run(plan, results):
        raise Trained

    benchmark = resolve(read_file(frozen.config), "small", host.registries)
    output, secret = folder / "public", folder / "secret"
    return freeze(replace(benchmark, **changes), defenses, output=output, secret=secret, host=host,
                  run=run, facts={})  # fmt: skip


def test_bad_input_is_known_before_anything_is_trained(frozen, host, tmp_path):
    with pytest.raises(BadInput, match=r"population: 3 models are too few.*at least 4"):
        frozen_with(frozen, host, tmp_path, population=3)
    with pytest.raises(BadInput, match=r"DEFENSE 'sofd'.*did you mean 'soft'"):
        frozen_with(frozen, host, tmp_path, ["sofd"])
    with pytest.raises(Trained):
        frozen_with(frozen, host, tmp_path, ["soft"])
    (tmp_path / "public").mkdir()
    with pytest.raises(BadInput, match="exists already"):
        frozen_with(frozen, host, tmp_path)


def test_a_single_canary_that_is_alike_for_all_targets_is_refused(frozen, host, tmp_path):
    found = []
    for i in range(30):  # with two targets the probability is 1/2 for each secret seed
        try:
            (tmp_path / str(i)).mkdir()
            frozen_with(frozen, host, tmp_path / str(i), canaries=0.011, population=4)
        except (BadInput, Trained) as error:
            found.append(str(error))
        if len(set(map(bool, found))) == 2:
            break
    refused = [text for text in found if text]
    assert 0 < len(refused) < len(found)
    assert all("1 of kind 'mislabel' and 2 targets are too few" in text for text in refused)


def test_groups_of_records_are_refused(frozen, host, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)), rng.integers(0, 2, 60)
    path = tmp_path / "copies.npz"
    np.savez(path, x=np.tile(x, (2, 1)), y=np.tile(y, 2))
    benchmark = resolve(read_file(frozen.config), "small", host.registries)
    (variant,) = benchmark.datasets
    entry = variant.bound.entry
    bound = entry.build({"path": str(path), "duplicates": "group"}, "test")
    with pytest.raises(BadInput, match="its records are in groups that are members together"):
        frozen_with(frozen, host, tmp_path, datasets=(replace(variant, bound=bound),))
