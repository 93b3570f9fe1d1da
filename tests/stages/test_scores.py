"""Scores: which outputs attacks get, and of which shadows."""

import numpy as np
import pytest

from privbench.attacks.outputs import Outputs
from privbench.stages.scores import observe

SEEN = """
import numpy as np
import privbench

views = []


class Seen(privbench.Attack):
    name = "seen"
    needs_reference = True

    def score(self, view):
        views.append(view)
        return view.target.log_prob_of(view.labels)


class SeenReleases(privbench.SyntheticAttack):
    name = "seen-releases"

    def score(self, view):
        views.append(view)
        return np.zeros(len(view.labels))


@privbench.hookimpl
def register_attacks(register):
    register(Seen)
    register(SeenReleases)
"""


@pytest.fixture
def seen(host, tmp_path):
    """The views that an attack was shown."""
    path = tmp_path / "seen.py"
    path.write_text(SEEN)
    host.load(str(path))
    return host.plugins[-1].module.views


def scores_of(plan, defense, knowledge):
    chosen = plan(f'defenses=["{defense}"]', 'attacks=["seen"]', select=f"{knowledge}")
    return chosen, chosen.trials[0].metrics[0].scores


def test_each_model_is_the_target_once_and_the_others_its_shadows(seen, plan, compute):
    chosen, stage = scores_of(plan, "none", "adaptive")
    scores = compute(chosen, stage).arrays["scores"]
    outputs = compute(chosen, stage.target).arrays
    member = compute(chosen, stage.setting).live.member
    assert scores.shape == member.shape
    for target, view in enumerate(seen[:4]):
        others = [i for i in range(4) if i != target]
        assert np.allclose(view.target.log_probs, outputs["pool"][target])
        assert np.allclose(view.shadows.log_probs, outputs["pool"][others])
        assert (view.shadow_member == member[others]).all()
        assert np.allclose(view.target_reference.log_probs, outputs["reference"][target])
        assert np.allclose(scores[target], view.target.log_prob_of(view.labels))


def test_naive_shadows_ignore_the_defense(seen, plan, compute):
    chosen, stage = scores_of(plan, "noisy", "naive")
    compute(chosen, stage)
    view = seen[0]
    defended, bare = (compute(chosen, s).arrays["pool"] for s in (stage.target, stage.shadow))
    assert stage.shadow is stage.target.bare
    assert np.allclose(view.target.log_probs, defended[0])
    assert np.allclose(view.shadows.log_probs, bare[1:])


def test_an_attack_that_observes_labels_gets_no_probabilities():
    log_probs = np.log(np.array([[[0.2, 0.8], [0.7, 0.3]]], dtype=np.float32))
    labels = observe(log_probs, "labels")
    assert isinstance(labels, Outputs)
    assert labels.predicted.tolist() == [[1, 0]]
    assert labels.log_probs is None
    assert observe(log_probs, "probabilities").log_probs is not None


def test_scores_on_a_release_have_a_row_for_each_model(plan, compute):
    chosen = plan('defenses=["vae"]', 'attacks=["dcr"]', select="adaptive")
    stage = chosen.trials[0].metrics[0].scores
    scores = compute(chosen, stage).arrays["scores"]
    released = compute(chosen, stage.release).live
    setting = compute(chosen, stage.setting).live
    assert scores.shape == setting.member.shape
    distances = np.linalg.norm(setting.pool.x[:, None] - released[1].x[None], axis=-1).min(1)
    order = np.argsort(distances)
    assert (np.diff(scores[1][order]) <= 1e-6).all()  # dcr: the closer, the larger


def test_an_attack_of_a_plugin_cannot_tell_the_place_of_released_records(seen, plan, compute):
    chosen = plan('defenses=["vae"]', 'attacks=["seen-releases"]', select="adaptive")
    stage = chosen.trials[0].metrics[0].scores
    compute(chosen, stage)
    released = compute(chosen, stage.release).live
    shown = [seen[0].synthetic, *seen[0].shadows]
    for data, view in zip(released, shown, strict=True):
        rows, shown_rows = (np.c_[d.x.reshape(len(d), -1), d.y] for d in (data, view))
        assert (rows != shown_rows).any()
        assert sorted(map(tuple, rows)) == sorted(map(tuple, shown_rows))
    assert (seen[1].shadows[0].x == seen[0].synthetic.x).all()  # as target and as shadow
