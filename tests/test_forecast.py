"""How long stages take: what similar ones took, in proportion to their work."""

import itertools
from dataclasses import replace

import pytest

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.forecast import NOTHING, SPREAD, Forecast, Forecasts, Sizer, TimeKeeper, weights
from privbench.storage.database import open_database
from privbench.storage.times import Sizes, Time, Times


class OfSizes:
    """As much of a sizer as forecasts need, for stages that are their own sizes."""

    def sizes(self, stage):
        return stage


STAGE = Sizes("fit", "vae", "digits", "vae digits", "v1", 16, 1000, 10.0)


def time(seconds, stage=STAGE, device="cpu", size=10, **other):
    return Time(**vars(replace(stage, **other)), device=device, seconds=seconds, bytes=size)


def forecast(times, stage=STAGE, device="auto"):
    forecasts = Forecasts(times, device)
    forecasts._sizer = OfSizes()
    return forecasts.of(stage)


def test_without_similar_stages_nothing_is_said():
    assert forecast([]) is None
    others = [time(1.0, kind="metrics"), time(1.0, components="copula"), time(1.0, dataset="adult")]
    assert forecast(others) is None


@pytest.mark.parametrize("half", [{"models": 8}, {"epochs": 5.0}])
def test_time_and_size_are_proportional_to_models_and_epochs(half):
    found = forecast([time(3.0, size=7, **half)])
    assert (found.seconds, found.bytes) == (6.0, 14.0)
    assert found.low == pytest.approx(6.0 / 2**SPREAD)  # the further away, the less is known
    assert found.high == pytest.approx(6.0 * 2**SPREAD)


def test_time_grows_less_than_records_and_its_range_has_proportional_time():
    found = forecast([time(3.0, records=500, size=7)])
    assert found.seconds == pytest.approx(3.0 * 2**0.7)
    assert found.high == pytest.approx(6.0)
    assert found.bytes == 14.0


@pytest.mark.parametrize(("kind", "factor"), [("metrics", 1.0), ("population", 2.0)])
def test_some_kinds_take_little_longer_with_more_models(kind, factor):
    stage = replace(STAGE, kind=kind)
    assert forecast([time(3.0, stage, models=4)], stage).seconds == pytest.approx(3.0 * factor)
    assert forecast([time(3.0, stage, epochs=5.0)], stage).seconds == pytest.approx(6.0)


def test_the_range_is_that_of_the_middle_half():
    found = forecast([time(seconds) for seconds in (5.0, 1.0, 2.0, 3.0, 100.0)])
    assert (found.low, found.seconds, found.high) == (2.0, 3.0, 5.0)


def test_the_most_alike_count():
    same, near, far = time(1.0), time(2.0, variant="v2"), time(3.0, context="vae digits mlp")
    assert forecast([far, near, same]).seconds == 1.0
    assert forecast([far, near]).seconds == 2.0
    assert forecast([far]).seconds == 3.0


def test_of_these_the_ones_of_the_nearest_sizes_count():
    """900 and 1100 records say more of 1000 than 10 do, where fixed costs count."""
    times = [time(9.0, records=10), time(1.8, records=900), time(2.2, records=1100)]
    assert forecast(times).seconds == pytest.approx(2.0, rel=0.02)


def test_only_times_of_such_a_device_count():
    times = [time(8.0), time(1.0, device="cuda:1")]
    assert forecast(times, device="cpu").seconds == 8.0
    assert forecast(times, device="cuda").seconds == 1.0
    assert forecast(times, device="auto").seconds == 1.0  # that of the last one


def test_ranges_are_added_end_by_end():
    both = Forecast(1.0, 2.0, 4.0, 10.0) + Forecast(0.5, 0.5, 0.5, 1.0)
    assert both == Forecast(1.5, 2.5, 4.5, 11.0)
    assert both + NOTHING == both


@pytest.fixture
def plan(host, config):
    def plan(*settings, select=None):
        overrides = Overrides.parse(settings)
        (made,) = make_plans(["small"], host, config=config, overrides=overrides, select=select)
        return made

    return plan


def sizes(plan, kind):
    sizer = Sizer()
    return {stage.title: sizer.sizes(stage) for stage in plan.stages if stage.kind == kind}


def test_sizes_are_apart_from_all_that_is_alike(plan):
    (before,) = sizes(plan("canaries=0", select="none"), "population").values()
    assert before == Sizes(
        "population", "mlp", before.dataset, "mlp npz", before.variant, 4, 96, 10.0
    )
    for setting, other in (
        ("population=6", {"models": 6}),
        ("pool=48", {"records": 48}),
        ("mlp.epochs=30", {"epochs": 30.0}),
    ):
        (after,) = sizes(plan("canaries=0", setting, select="none"), "population").values()
        assert after == replace(before, **other)
    (other,) = sizes(plan("canaries=0", "mlp.hidden=[3]", select="none"), "population").values()
    assert other == replace(before, variant=other.variant)
    assert other.variant != before.variant


def test_metrics_of_canaries_are_about_few_records(plan):
    found = sizes(plan(select="none and loss and adaptive"), "metrics").values()
    assert sorted((s.components, s.records) for s in found) == [("", 96), ("canaries", 10)]


def test_a_run_keeps_the_time_of_each_stage_that_it_stores(host, plan, tmp_path):
    chosen = plan("canaries=0", "mlp.epochs=1", select="none and loss")
    run_plan(chosen, host, results=tmp_path, device="cpu")
    times = Times(tmp_path).all()
    assert len(times) == sum(stage.stored for stage in chosen.stages)
    assert {time.device for time in times} == {"cpu"}
    assert all(time.seconds > 0 and time.bytes > 100 for time in times)
    run_plan(chosen, host, results=tmp_path, device="cpu")  # all is stored
    assert len(Times(tmp_path).all()) == len(times)


def test_times_are_written_a_few_at_a_time(plan, tmp_path):
    stages = [stage for stage in plan().stages if stage.stored]
    with open_database(tmp_path / "results.sqlite", make=True):  # as the start of a run does
        pass
    keeper = TimeKeeper(Times(tmp_path))
    keeper.note(stages[0], "cpu", 0.1, 10)
    assert Times(tmp_path).all() == []
    keeper.note(stages[1], "cpu", 60.0, 10)  # what took long is not lost if the process is killed
    assert [time.seconds for time in Times(tmp_path).all()] == [0.1, 60.0]
    for stage in itertools.islice(itertools.cycle(stages), 200):
        keeper.note(stage, "cpu", 0.1, 10)
    assert len(Times(tmp_path).all()) == 202
    keeper.write()
    assert len(Times(tmp_path).all()) == 202


def test_what_has_no_history_weighs_as_its_kind_does(plan):
    """A population weighs 20, scores 2, metrics 1."""
    stages = [s for s in plan("canaries=0", select="none and loss and adaptive").stages if s.stored]
    by_kind = {stage.kind: stage for stage in stages}
    chosen = [by_kind[kind] for kind in ("population", "scores", "metrics")]
    assert list(weights(chosen, Forecasts([])).values()) == [20.0, 2.0, 1.0]
    took = Time(**vars(Sizer().sizes(chosen[1])), device="cpu", seconds=6.0, bytes=1)
    assert list(weights(chosen, Forecasts([took])).values()) == [60.0, 6.0, 3.0]
