"""The split, the canaries and the membership of a plan's populations."""

import shutil

import numpy as np
import pytest


@pytest.fixture
def settings(plan, compute):
    small = plan()
    stages = {metrics.setting.subset: metrics.setting for metrics in small.trials[0].metrics}
    return {subset: compute(small, stage).live for subset, stage in stages.items()}


def test_drawn_again_it_is_the_same(plan, settings):
    small = plan()
    stage = small.trials[0].metrics[1].setting
    again = stage.draw(small.data.get)
    assert (again.member == settings["canaries"].member).all()
    assert (again.pool.y == settings["canaries"].pool.y).all()


def test_the_canary_pool_differs_in_the_labels_of_canaries_alone(settings):
    clean, planted = settings["records"], settings["canaries"]
    assert (clean.pool.x == planted.pool.x).all()
    assert ((clean.pool.y != planted.pool.y) == planted.canary).all()
    assert not clean.canary.any()
    assert planted.canary.sum() == round(0.1 * len(planted.pool))
    assert (clean.member != planted.member).any()


def test_records_that_twins_are_copies_of_are_in_every_training_set(plan, compute):
    small = plan('canaries={ share = 0.2, kinds = ["twin"] }')
    setting = compute(small, small.trials[0].metrics[1].setting).live
    assert setting.always.sum() == setting.canary.sum() == 19
    for index in setting.train_indices():
        assert set(np.flatnonzero(setting.always)) <= set(index)
        assert len(index) == 48


def test_every_model_is_trained_on_half_of_the_pool(settings):
    for setting in settings.values():
        assert (setting.member.sum(1) == len(setting.pool) // 2).all()
        sizes = [len(part) for part in (setting.pool, setting.reference, setting.test)]
        assert sum(sizes) == 160


def test_a_moved_file_keeps_its_results_and_a_changed_one_does_not(plan, blobs, tmp_path):
    before = plan().trials[0].metrics[0].setting.key
    moved = tmp_path / "moved.npz"
    shutil.copy(blobs, moved)
    option = f'datasets=[{{ name = "npz", path = "{moved}" }}]'
    assert plan(option).trials[0].metrics[0].setting.key == before
    with np.load(moved) as arrays:
        x, y = arrays["x"].copy(), arrays["y"]
    x[0, 0] += 1
    np.savez(moved, x=x, y=y)
    assert plan(option).trials[0].metrics[0].setting.key != before


def test_a_larger_population_keeps_the_rows_of_a_smaller_one(plan, compute, settings):
    large = plan("population=6")
    setting = compute(large, large.trials[0].metrics[0].setting).live
    assert (setting.member[:4] == settings["records"].member).all()
